"""Try again where that is safe."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triplegate.core.duration import Duration
from triplegate.core.policy import Dispatch, Policy, Stage

Cause = Literal["connect", "reset", "timeout", "malformed", "busy"]

_CODES: dict[Cause, str] = {
    "connect": "upstream_unreachable",
    "reset": "upstream_reset",
    "timeout": "upstream_timeout",
    "malformed": "upstream_malformed",
    "busy": "upstream_busy",
}


class BackOff(BaseModel):
    """The wait before a retry: a random part of a time that doubles with each failure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: Duration = 0.025
    """Longest wait after the first failure."""
    max: Duration = 2.0
    """Longest wait after any."""

    @model_validator(mode="after")
    def _ordered(self) -> "BackOff":
        if self.max < self.base:
            raise ValueError("max is not shorter than base")
        return self


class Retry(Policy):
    """Retry idempotent or never-sent calls: at most `attempts` more tries, within a budget for all calls."""

    use: Literal["retry"] = "retry"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.DISPATCH
    attempts: Annotated[int, Field(ge=0, le=5)] = 1
    """Extra tries."""
    on: frozenset[int] = frozenset({502, 503, 504})
    """Statuses of the upstream that count as a failed try."""
    on_errors: frozenset[Cause] = frozenset(_CODES)
    """What else does: no connection, one that broke, no answer in time, an unreadable one, no free place."""
    methods: frozenset[Annotated[str, Field(pattern=r"^[A-Z][A-Z-]{0,31}$")]] = frozenset()
    """Methods that may be repeated besides the idempotent ones."""
    idempotency_key: bool = True
    """A call with an `Idempotency-Key` may be repeated whatever its method."""
    backoff: BackOff = BackOff()
    """`{base, max}`: longest wait after the first failure, and after any; a random part of it is waited."""
    retry_after: Duration = 60.0
    """Longest `Retry-After` of an upstream that is waited for; a longer one is passed on."""
    budget: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of an upstream's calls that may be retries (at least 3 a second)."""

    def tune(self, dispatch: Dispatch) -> None:
        """Write the retry rules into the dispatch."""
        dispatch.retries, dispatch.retry_on, dispatch.retry_budget = self.attempts, self.on, self.budget
        dispatch.never_retried = frozenset(code for cause, code in _CODES.items() if cause not in self.on_errors)
        dispatch.retry_methods, dispatch.retry_keyed = self.methods, self.idempotency_key
        dispatch.back_off = (self.backoff.base, self.backoff.max)
        dispatch.retry_after = self.retry_after
