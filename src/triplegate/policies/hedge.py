"""Begin a second attempt beside one that takes long."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.core.duration import Duration
from triplegate.core.policy import Dispatch, HedgeRules, Policy, Stage


class Hedge(Policy):
    """Send a call that has no answer after a while a second time, to another endpoint or deployment where there is one.

    Only what may be repeated. The first good head is the answer; the other attempt is cancelled.
    """

    use: Literal["hedge"] = "hedge"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.DISPATCH
    gates: ClassVar = frozenset({"api", "llm"})
    after: Duration | None = None
    """Wait before the second attempt; without it, the time within which 95 of 100 answers began until now."""
    least: Duration = 0.005
    """Shortest wait that the observed times may lead to."""
    budget: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """Share of the service's or deployment's calls that may be sent twice."""

    def tune(self, dispatch: Dispatch) -> None:
        """Write the rules into the dispatch."""
        dispatch.hedge = HedgeRules(after=self.after, least=self.least, budget=self.budget)
