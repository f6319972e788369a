"""Stop calling what fails in a row; after a while one probe decides whether to call it again."""

from typing import Literal

import msgspec


class BreakerRules(msgspec.Struct, frozen=True, gc=False):
    """Parameters; read from the current configuration at each use."""

    failures: int = 5
    """Failures in a row that open it."""
    open_for: float = 5.0
    """Seconds until the first probe; doubled with each failed one, up to `longest`."""
    longest: float = 60.0
    """Seconds."""


class Breaker:
    """Counters of one endpoint or target; keep it by `kit.state(Breaker, name, Breaker)`."""

    __slots__ = ("_openings", "failures", "probing_since", "until")

    def __init__(self) -> None:
        self.failures = 0
        """In a row."""
        self.until = 0.0
        """Monotonic seconds before which nothing is called; 0: closed."""
        self.probing_since = 0.0
        self._openings = 0

    def state(self, now: float) -> Literal["closed", "open", "half-open"]:
        """How it stands."""
        if not self.until:
            return "closed"
        return "open" if now < self.until else "half-open"

    def allow(self, now: float, rules: BreakerRules) -> bool:
        """Whether a call may go out; half-open lets one probe through (a lost one is replaced after `open_for`)."""
        if not self.until:
            return True
        if now < self.until or (self.probing_since and now < self.probing_since + rules.open_for):
            return False
        self.probing_since = now
        return True

    def succeeded(self) -> None:
        """A call was answered."""
        self.failures = self._openings = 0
        self.until = self.probing_since = 0.0

    def failed(self, now: float, rules: BreakerRules) -> None:
        """A call failed in a way that is the upstream's fault."""
        self.failures += 1
        if self.until and now < self.until:
            return  # a straggler from before it opened
        if self.until or self.failures >= rules.failures:
            self.until = now + min(rules.open_for * 2.0**self._openings, rules.longest)
            self._openings = min(self._openings + 1, 30)
            self.probing_since = 0.0
