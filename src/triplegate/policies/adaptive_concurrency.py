"""Find out how many calls an upstream takes at once, and send no more."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from triplegate.core.duration import Duration
from triplegate.core.exchange import Step
from triplegate.core.gradient import Gradient, GradientRules
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.memory.entering import Door, entering, measured
from triplegate.stores.memory.queues import Fifo
from triplegate.stores.memory.room import Room

Number = Annotated[int, Field(ge=1, le=100_000)]


class AdaptiveConcurrency(Policy):
    """Bound the calls under way by how their answer times grow: best time / usual time, and a little room above.

    The best time is measured again every `remeasure`, with half as many calls for a moment. Kept in each worker.
    """

    use: Literal["adaptive_concurrency"] = "adaptive_concurrency"
    stage: ClassVar = Stage.DISPATCH
    start: Number = 20
    """Calls at once until more is known."""
    least: Number = 3
    """Never fewer."""
    most: Number = 1000
    """Never more."""
    tolerance: Annotated[float, Field(ge=0, le=10)] = 0.1
    """Share by which answers may be slower than the best before there are fewer calls."""
    remeasure: Duration = 30.0
    """Time after which the best time is measured again, a seventh more or less."""
    queue: Annotated[int, Field(ge=0, le=100_000)] = 10
    """Calls that may wait for a place."""
    queue_timeout: Duration = 0.1
    """Longest wait."""

    @model_validator(mode="after")
    def _ordered(self) -> "AdaptiveConcurrency":
        if not self.least <= self.start <= self.most:
            raise ValueError("least, start and most come in this order")
        return self

    def build(self, kit: Kit) -> Step:
        """A step that counts and measures."""
        rules = GradientRules(
            start=self.start,
            least=self.least,
            most=self.most,
            tolerance=self.tolerance,
            remeasure=self.remeasure,
        )
        gradient = kit.state(Gradient, f"adaptive_concurrency|{self.label}", Gradient)
        room = kit.state(Room, f"adaptive_concurrency|{self.label}", lambda: Room(kit.clock.now, Fifo()))
        detail = "The upstream is as busy as it can be."
        door = Door(self.label, self.mode == "enforce", self.queue, self.queue_timeout, "overloaded", detail)
        step = entering(kit, door, lambda: gradient.limit(rules), lambda _: room, lambda _: "")
        return measured(kit, step, gradient, rules, room)
