"""Stop calling what fails in a row; after a while one probe decides whether to call it again."""

from typing import Literal

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt

Rules = tuple[int, float, float]
"""Failures in a row that open it; seconds until the first probe, doubled with each failed one, up to the third."""

_BLAMED = frozenset({"transient", "overload", "stall", "malformed"})


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

    def allow(self, now: float, rules: Rules) -> bool:
        """Whether a call may go out; half-open lets one probe through (a lost one is replaced after `open_for`)."""
        if not self.until:
            return True
        if now < self.until or (self.probing_since and now < self.probing_since + rules[1]):
            return False
        self.probing_since = now
        return True

    def succeeded(self) -> None:
        """A call was answered."""
        self.failures = self._openings = 0
        self.until = self.probing_since = 0.0

    def failed(self, now: float, rules: Rules) -> None:
        """A call failed in a way that is the upstream's fault."""
        self.failures += 1
        if self.until and now < self.until:
            return  # a straggler from before it opened
        if self.until or self.failures >= rules[0]:
            self.until = now + min(rules[1] * 2.0**self._openings, rules[2])
            self._openings = min(self._openings + 1, 30)
            self.probing_since = 0.0

    def check(self, now: float, rules: Rules | None, name: str) -> None:
        """Raises Refusal upstream_open, with the time until the next probe, when no call may go out."""
        if rules is not None and not self.allow(now, rules):
            raise Refusal(
                "upstream_open",
                f"'{name}' failed too often and is left alone for a while.",
                retry_after=max(self.until - now, 0.0) or rules[1],
            )

    def note(self, attempt: Attempt, now: float, rules: Rules | None) -> None:
        """Take in how an attempt went; one that we did not send says nothing."""
        if rules is None or attempt.error_class == "open" or not attempt.numbers.dispatched:
            return
        if attempt.error_class in _BLAMED:
            self.failed(now, rules)
        else:
            self.succeeded()
