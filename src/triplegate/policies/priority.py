"""Say how much a call matters, for when not all can be served."""

from collections.abc import Awaitable
from typing import ClassVar, Literal

from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

Level = Literal["critical", "default", "batch"]
_LEVELS: tuple[Level, ...] = ("critical", "default", "batch")
_BY_URGENCY = (0, 0, 1, 1, 1, 2, 2, 2)


class Priority(Policy):
    """Set a call's class: `critical`, `default` or `batch`. It decides nothing itself; `shed` reads it.

    Of several the last one counts, in the order gateway, route, service, plan, team.
    """

    use: Literal["priority"] = "priority"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.PERMIT
    level: Level = "default"
    """The class."""
    consumers: frozenset[str] = frozenset()
    """Only for these consumers; none named: for all."""
    urgency: bool = False
    """Take the urgency of a `Priority` header (RFC 9218) from trusted proxies instead: 0-1 critical, 5-7 batch."""

    def build(self, kit: Kit) -> Step:
        """A step that marks."""
        level, consumers, trusted = _LEVELS.index(self.level), self.consumers, kit.trusted

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            principal = exchange.principal
            if not consumers or (principal is not None and principal.consumer in consumers):
                found = urgency_of(exchange) if self.urgency and exchange.inbound.peer.address in trusted else None
                exchange.priority = level if found is None else _BY_URGENCY[found]
            return proceed(exchange)

        return step


def urgency_of(exchange: Exchange) -> int | None:
    """`u` of a Priority field: 0 (most urgent) to 7; None where there is none, the last one of several."""
    found = None
    for name, value in exchange.inbound.headers:
        if name == b"priority":
            for part in value.split(b","):
                key, _, number = part.partition(b";")[0].strip().partition(b"=")
                if key == b"u" and len(number) == 1 and number in b"01234567":
                    found = int(number)
    return found
