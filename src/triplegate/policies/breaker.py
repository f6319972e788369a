"""Stop calling an upstream that fails in a row."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.core.duration import Duration
from triplegate.core.policy import Dispatch, Policy, Stage


class Breaker(Policy):
    """Refuse calls to a target after `failures` in a row; after `open_for` one probe decides.

    Kept per service or deployment, over reloads. Where there is another target, that one is called instead.
    """

    use: Literal["breaker"] = "breaker"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.DISPATCH
    gates: ClassVar = frozenset({"api", "llm"})
    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    """Failures in a row that open it: no answer, a cut one, or a status of 500 and above."""
    open_for: Duration = 5.0
    """Time until the first probe; doubled with each failed one."""
    longest: Duration = 60.0
    """Longest time between two probes."""

    def tune(self, dispatch: Dispatch) -> None:
        """Write the rules into the dispatch."""
        dispatch.breaker = (self.failures, self.open_for, self.longest)
