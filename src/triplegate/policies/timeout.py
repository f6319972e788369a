"""Say how long an upstream may take."""

from typing import ClassVar, Literal

from triplegate.core.duration import Duration
from triplegate.core.policy import Dispatch, Policy, Stage


class Timeout(Policy):
    """Set the times an attempt is given; what is not set keeps the service's own."""

    use: Literal["timeout"] = "timeout"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.DISPATCH
    connect: Duration | None = None
    """Until the connection stands, TLS included."""
    first_byte: Duration | None = None
    """From the request's last byte to the answer's first."""
    idle: Duration | None = None
    """Between two pieces of the answer."""
    total: Duration | None = None
    """The whole call, all attempts and waits included."""

    attempt: Duration | None = None
    """One attempt with its answer; what is left of `total` at most."""

    def tune(self, dispatch: Dispatch) -> None:
        """Write the set times into the dispatch."""
        for name in ("connect", "first_byte", "idle", "total", "attempt"):
            value = getattr(self, name)
            if value is not None:
                setattr(dispatch, name, value)
