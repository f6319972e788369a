"""Under overload, refuse what matters least, and refuse it soon."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Step
from triplegate.core.gradient import Gradient, GradientRules
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.memory.entering import Door, entering, measured
from triplegate.stores.memory.queues import Lanes
from triplegate.stores.memory.room import Room


class Shed(Policy):
    """Bound the calls under way and the time they wait: critical ones first, batch ones last.

    When the queue of a class has not been empty for `longest`, the newest goes first, nobody waits for longer than
    `target` and lower classes get in no more: what cannot be served in time is refused at once, and what is served is
    served fast. Kept in each worker.
    """

    use: Literal["shed"] = "shed"
    stage: ClassVar = Stage.DISPATCH
    at_once: PositiveInt | None = None
    """Calls under way at once; without it the number is found as `adaptive_concurrency` finds it."""
    queue: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Calls that may wait."""
    target: Duration = 0.005
    """Longest wait while there is more than can be served."""
    longest: Duration = 0.1
    """Longest wait otherwise."""
    reserve: Annotated[float, Field(ge=0, le=0.9)] = 0.2
    """Share of the places kept for critical calls, as far as they needed it in the last 10 to 20 seconds."""

    @model_validator(mode="after")
    def _ordered(self) -> "Shed":
        if self.longest < self.target:
            raise ValueError("longest is not shorter than target")
        return self

    def build(self, kit: Kit) -> Step:
        """A step that counts, by priority."""
        now = kit.clock.now
        room = kit.state(Room, f"shed|{self.label}", lambda: Room(now, Lanes(now)))

        def room_of(_: Exchange) -> Room:
            lanes = room.queue
            assert isinstance(lanes, Lanes)
            lanes.target, lanes.longest, lanes.share = self.target, self.longest, self.reserve
            return room

        detail = "There are more calls at the moment than can be served in time."
        door = Door(self.label, self.mode == "enforce", self.queue, self.longest, "overloaded", detail)
        if self.at_once is not None:
            at_once = self.at_once
            return entering(kit, door, lambda: at_once, room_of, lambda _: "")
        rules, gradient = GradientRules(), kit.state(Gradient, f"shed|{self.label}", Gradient)
        step = entering(kit, door, lambda: gradient.limit(rules), room_of, lambda _: "")
        return measured(kit, step, gradient, rules, room)
