"""Try again where that is safe."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.core.policy import Dispatch, Policy, Stage


class Retry(Policy):
    """Retry idempotent or never-sent calls: at most `attempts` more tries, within a budget for all calls."""

    use: Literal["retry"] = "retry"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.DISPATCH
    attempts: Annotated[int, Field(ge=0, le=5)] = 1
    """Extra tries."""
    on: frozenset[int] = frozenset({502, 503, 504})
    """Statuses of the upstream that count as a failed try."""
    budget: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of calls that may be retries (at least 3 a second)."""

    def tune(self, dispatch: Dispatch) -> None:
        """Write the retry rules into the dispatch."""
        dispatch.retries, dispatch.retry_on, dispatch.retry_budget = self.attempts, self.on, self.budget
