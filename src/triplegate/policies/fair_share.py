"""Share what an upstream can take fairly among teams: a noisy one waits for itself."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Step
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.memory.entering import Door, entering
from triplegate.stores.memory.queues import Fair
from triplegate.stores.memory.room import Room


class FairShare(Policy):
    """At most `at_once` calls under way; a place that is free goes to the team that has the fewest.

    A team alone may have all places. When the queue is full, the team with most waiting loses its newest.
    """

    use: Literal["fair_share"] = "fair_share"
    stage: ClassVar = Stage.DISPATCH
    at_once: PositiveInt
    """Calls under way at once, of all together."""
    by: Literal["team", "consumer", "org"] = "team"
    """Among whom the places are shared."""
    queue: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Calls that may wait for a place, of all together."""
    queue_timeout: Duration = 1.0
    """Longest wait."""

    def build(self, kit: Kit) -> Step:
        """A step that counts by subject."""
        room = kit.state(Room, f"fair_share|{self.label}", lambda: Room(kit.clock.now, Fair()))
        detail = f"More calls are waiting than this {self.by}'s share allows."
        enforce = self.mode == "enforce"
        door = Door(self.label, enforce, self.queue, self.queue_timeout, "concurrency_exceeded", detail)
        return entering(kit, door, lambda: self.at_once, lambda _: room, self._subject)

    def _subject(self, exchange: Exchange) -> str:
        principal = exchange.principal
        if principal is None:
            return ""
        if self.by == "team":
            return principal.team_ref
        return principal.org if self.by == "org" else f"{principal.team_ref}/{principal.consumer}"
