"""Send copies of calls to another service and forget its answers."""

import random
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import ServiceRef
from triplegate.core.duration import Duration
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.outgoing import Copy
from triplegate.core.policy import Policy, Stage

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Fraction(Document):
    """A share told by two numbers."""

    numerator: Annotated[int, Field(ge=0)]
    """Calls that are copied …"""
    denominator: PositiveInt = 100
    """… of so many."""

    @model_validator(mode="after")
    def _part(self) -> "Fraction":
        if self.numerator > self.denominator:
            raise ValueError("fraction: the numerator is at most the denominator")
        return self


class Mirror(Policy):
    """Send a copy of the call to `service`; the client's answer never waits for it and knows nothing of it.

    A copy carries `x-triplegate-mirror: 1`. What is larger than 64 KiB or comes in pieces is not copied.
    """

    use: Literal["mirror"] = "mirror"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"api"})
    service: ServiceRef
    """Service that gets the copies."""
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Share of the calls that are copied; all of them when neither this nor `fraction` is written."""
    fraction: Fraction | None = None
    """The share as numerator and denominator."""
    unsafe: bool = False
    """Copy calls with other methods than GET, HEAD, OPTIONS and TRACE, too: they may have effects there."""
    credentials: bool = False
    """Let authorization, cookies and keys go with the copy."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16
    """Copies under way at once."""
    queue: Annotated[int, Field(ge=0, le=1024)] = 64
    """Copies that may wait for their turn; further ones are dropped and counted."""
    timeout: Duration = 10.0
    """Longest time for a copy."""

    @model_validator(mode="after")
    def _one_share(self) -> "Mirror":
        if self.percent is not None and self.fraction is not None:
            raise ValueError("mirror: write percent or fraction, not both")
        return self

    @cached_property
    def share(self) -> float:
        """From 0 to 1."""
        if self.fraction is not None:
            return self.fraction.numerator / self.fraction.denominator
        return 1.0 if self.percent is None else self.percent / 100

    @cached_property
    def copied(self) -> Copy:
        """The copy that is asked for."""
        return Copy(self.label, self.service, self.credentials, self.concurrency, self.queue, self.timeout)

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Ask for a copy; never refuses."""
        allowed = self.unsafe or exchange.inbound.method in _SAFE
        if allowed and (self.share >= 1 or random.random() < self.share):  # noqa: S311 - which calls is no secret
            exchange.shape().copies.append(self.copied)
        return None
