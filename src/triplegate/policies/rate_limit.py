"""Refuse calls that come faster than an allowance."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import PositiveInt

from triplegate.core.admission import Claim, Limit
from triplegate.core.catalog import Target
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.core.subject import strange_by, subject_of


class RateLimit(Policy):
    """Allow `requests` calls per `window` (GCRA; fields as in draft-ietf-httpapi-ratelimit-headers-11)."""

    use: Literal["rate_limit"] = "rate_limit"
    stage: ClassVar = Stage.ADMIT
    requests: PositiveInt
    """Calls allowed in one window."""
    window: Duration = 60.0
    """Window length."""
    burst: PositiveInt | None = None
    """Calls that may come at once; the whole window's by default."""
    by: Literal["key", "consumer", "team", "org", "plan", "route", "model", "deployment", "address"] = "consumer"
    """Who has the allowance; callers without a key count by consumer, address groups IPv6 by /64."""

    @cached_property
    def limit(self) -> Limit:
        """The limit as the store reads it; its name is the policy's own or the tag."""
        return Limit(self.name or self.use, "rate", "requests", self.requests, self.window, self.burst or 0)

    @property
    def each_attempt(self) -> bool:
        """A deployment's requests are those that are sent to it."""
        return self.by == "deployment"

    def strange_on(self, gate: str) -> str:
        """Models and deployments are the llm gate's."""
        return strange_by(self.by, gate) or super().strange_on(gate)

    def buckets(self, subject: str) -> Iterable[Claim]:
        """The subject's one bucket."""
        return (Claim(f"{self.label}|{subject}", self.limit, 1, self.mode),)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """One request of the subject's bucket."""
        return (Claim(f"{self.label}|{subject_of(exchange, self.by, target)}", self.limit, 1, self.mode),)
