"""Let only so many calls be under way at once."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Step
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.memory.entering import Door, entering
from triplegate.stores.memory.queues import Fifo
from triplegate.stores.memory.room import Rooms


class Bulkhead(Policy):
    """At most `at_once` calls under way, from when they are sent to the end of their answers; a few more may wait.

    Counted in each worker. What slows one of those down does not fill the gateway with its calls.
    """

    use: Literal["bulkhead"] = "bulkhead"
    stage: ClassVar = Stage.DISPATCH
    at_once: PositiveInt
    """Calls under way at once."""
    by: Literal["all", "route", "team", "consumer"] = "all"
    """Who has that many: all calls where this stands (a route, a service, the gateway) together, or each on its own."""
    queue: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Calls that may wait for a place, first come first served."""
    queue_timeout: Duration = 1.0
    """Longest wait."""

    def build(self, kit: Kit) -> Step:
        """A step that counts."""
        rooms = kit.state(Rooms, f"bulkhead|{self.label}", lambda: Rooms(kit.clock.now, Fifo))
        own = self.by in ("team", "consumer")
        code = "concurrency_exceeded" if own else "overloaded"
        detail = f"Only {self.at_once} calls may be under way at once" + (f" for one {self.by}." if own else ".")
        door = Door(self.label, self.mode == "enforce", self.queue, self.queue_timeout, code, detail)
        return entering(
            kit, door, lambda: self.at_once, lambda exchange: rooms.room(self._subject(exchange)), lambda _: ""
        )

    def _subject(self, exchange: Exchange) -> str:
        if self.by == "all":
            return ""
        if self.by == "route":
            return exchange.route.name if exchange.route is not None else ""
        principal = exchange.principal
        if principal is None:
            return ""
        return principal.team_ref if self.by == "team" else f"{principal.team_ref}/{principal.consumer}"
