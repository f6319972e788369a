"""Take from a header how long a caller is willing to wait, and tell the service what is left of it."""

import re
from collections.abc import Awaitable
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from triplegate.core.duration import Duration
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.outgoing import Edit, Outgoing
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

_TAKEN = frozenset({"host", "connection", "content-length", "transfer-encoding", "authorization", "cookie", "expect"})
_NUMBER = re.compile(rb"\d{1,9}(?:\.\d{1,6})?")


def _free(name: str) -> str:
    if name.lower() in _TAKEN:
        raise ValueError(f"'{name.lower()}' means something else")
    return name.lower()


class Deadline(Policy):
    """End a call when its caller no longer waits: by a header with the time, never longer than `longest`.

    The service gets the same header with what is left when the call is sent, so that each hop waits less than the one
    before.
    """

    use: Literal["deadline"] = "deadline"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.PERMIT
    gates: ClassVar = frozenset({"api"})
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_free)] = "request-timeout"
    """Field with the time, as a plain number."""
    unit: Literal["s", "ms"] = "s"
    """What the number counts."""
    longest: Duration = 60.0
    """Longest time that is taken from the header."""
    trusted: bool = False
    """Only trusted proxies are asked; what others say is dropped."""

    def build(self, kit: Kit) -> Step:
        """A step that sets the exchange's deadline."""
        name = self.header.encode("ascii")
        scale = 1.0 if self.unit == "s" else 0.001
        longest, proxies, now = self.longest, kit.trusted if self.trusted else None, kit.clock.now
        removed = Edit("remove", name)

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            value = exchange.inbound.header(name)
            if value is not None and (proxies is None or exchange.inbound.peer.address in proxies):
                seconds = _read(value, scale)
                if seconds is not None:
                    self._end(exchange, now() + min(seconds, longest), now())
            outgoing = exchange.outgoing
            if outgoing is None:
                outgoing = exchange.outgoing = Outgoing()
            outgoing.edits = [*outgoing.edits, removed]
            outgoing.left = (name, scale)
            return proceed(exchange)

        return step

    def _end(self, exchange: Exchange, deadline: float, now: float) -> None:
        if exchange.deadline is None or deadline < exchange.deadline:
            exchange.deadline = deadline
        if exchange.deadline <= now:
            raise Refusal("deadline_exceeded", "The time that the caller gives this call is over.", policy=self.label)


def _read(value: bytes, scale: float) -> float | None:
    """Seconds; None for what is no plain number, which is as if it had not been said."""
    text = value.strip()
    return float(text) * scale if _NUMBER.fullmatch(text) else None
