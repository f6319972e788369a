"""Stop calling an upstream that fails or is slow."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from triplegate.core.duration import Duration
from triplegate.core.policy import BreakerRules, Dispatch, Policy, Stage

Share = Annotated[float, Field(gt=0, le=1)]


class Breaker(Policy):
    """Refuse calls to an upstream after failures in a row, or when too many of its calls fail or are slow.

    After `open_for` a few probes decide. Kept per service, deployment or MCP server, over reloads. Where there is
    another target, that one is called instead.
    """

    use: Literal["breaker"] = "breaker"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.DISPATCH
    gates: ClassVar = frozenset({"api", "llm", "mcp"})
    failures: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Failures in a row that open it (no answer, a cut one, status 500 and above); 5 where nothing else is said."""
    rate: Share | None = None
    """Share of the calls in `window` that fail which opens it."""
    slow: Duration | None = None
    """A call whose answer takes longer to begin is a slow one."""
    slow_rate: Share = 0.5
    """Share of the calls in `window` that are slow which opens it."""
    window: Duration = 10.0
    """Time that the shares look back."""
    volume: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Calls in `window` below which the shares say nothing."""
    open_for: Duration = 5.0
    """Time until the first probe; doubled with each failed one."""
    longest: Duration = 60.0
    """Longest time between two probes."""
    permits: Annotated[int, Field(ge=1, le=1000)] = 1
    """Probes at once; so many good ones close it, a bad one opens it again."""
    shared: bool = False
    """Tell the other workers and nodes when it opens and closes (with shared state; best effort)."""

    @model_validator(mode="after")
    def _ordered(self) -> "Breaker":
        if self.longest < self.open_for:
            raise ValueError("longest is not shorter than open_for")
        return self

    def tune(self, dispatch: Dispatch) -> None:
        """Write the rules into the dispatch."""
        alone = self.rate is None and self.slow is None
        dispatch.breaker = BreakerRules(
            failures=5 if self.failures is None and alone else self.failures,
            open_for=self.open_for,
            longest=self.longest,
            rate=self.rate,
            slow=self.slow,
            slow_rate=self.slow_rate,
            window=self.window,
            volume=self.volume,
            permits=self.permits,
            shared=self.shared,
        )
