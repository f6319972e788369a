"""Stop calling what fails or is slow; after a while a few probes decide whether to call it again."""

from collections.abc import Callable
from typing import Literal

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.core.policy import BreakerRules

_BLAMED = frozenset({"transient", "overload", "stall", "malformed"})
_SLOTS = 10
_FURTHEST = 3600.0
"""Seconds: nobody else can keep it open for longer at once."""


class Window:
    """Calls, failures and slow ones of the last seconds, in ten slots that are emptied one after another."""

    __slots__ = ("_at", "_slots", "_width", "calls", "failed", "slow")

    def __init__(self) -> None:
        self._width = 0.0
        self._at = 0
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self._slots = [(0, 0, 0)] * _SLOTS
        self.calls = self.failed = self.slow = 0

    def add(self, now: float, seconds: float, *, failed: bool, slow: bool) -> None:
        """Count a call; what is older than `seconds` goes."""
        width = seconds / _SLOTS
        at = int(now / width)
        if width != self._width or at - self._at >= _SLOTS:
            self.clear()
            self._width, self._at = width, at
        while self._at < at:
            self._at += 1
            calls, bad, late = self._slots[self._at % _SLOTS]
            self._slots[self._at % _SLOTS] = (0, 0, 0)
            self.calls, self.failed, self.slow = self.calls - calls, self.failed - bad, self.slow - late
        calls, bad, late = self._slots[self._at % _SLOTS]
        self._slots[self._at % _SLOTS] = (calls + 1, bad + failed, late + slow)
        self.calls, self.failed, self.slow = self.calls + 1, self.failed + failed, self.slow + slow


class Breaker:
    """Counters of one service or target; keep it by `kit.state(Breaker, name, Breaker)`."""

    __slots__ = (
        "__weakref__",
        "_given",
        "_given_at",
        "_good",
        "_openings",
        "_window",
        "failures",
        "opened_at",
        "tell",
        "until",
        "used",
    )

    def __init__(self) -> None:
        self.failures = 0
        """In a row."""
        self.until = 0.0
        """Monotonic seconds before which nothing is called; 0: closed."""
        self.tell: Callable[[float], None] | None = None
        """Told for how many seconds it opened, or 0 when it closed, by rules that are shared."""
        self.used = False
        """Whether rules were ever applied to it."""
        self._window = Window()
        self.opened_at = 0.0
        """Monotonic seconds when it last opened; 0: it is closed."""
        self._given_at = 0.0
        self._openings = self._given = self._good = 0

    def state(self, now: float) -> Literal["closed", "open", "half-open"]:
        """How it stands."""
        if not self.until:
            return "closed"
        return "open" if now < self.until else "half-open"

    def allow(self, now: float, rules: BreakerRules) -> bool:
        """Whether a call may go out; half-open lets a few probes through (lost ones are replaced after `open_for`)."""
        if not self.until:
            return True
        if now < self.until:
            return False
        if self._given >= rules.permits:
            if now < self._given_at + rules.open_for:
                return False
            self._given = self._good
        self._given += 1
        self._given_at = now
        return True

    def check(self, now: float, rules: BreakerRules | None, name: str) -> None:
        """Raises Refusal upstream_open, with the time until the next probe, when no call may go out."""
        if rules is not None and self.until and not self.allow(now, rules):
            raise Refusal(
                "upstream_open",
                f"'{name}' failed too often and is left alone for a while.",
                retry_after=max(self.until - now, 0.0) or rules.open_for,
            )

    def note(self, attempt: Attempt, now: float, rules: BreakerRules | None) -> None:
        """Take in how an attempt went; one that we did not send says nothing."""
        numbers = attempt.numbers
        if rules is None or attempt.error_class == "open" or not numbers.dispatched:
            return
        took = (numbers.upstream_head or numbers.ended or now) - numbers.dispatched
        self.take(numbers.dispatched, now, rules, failed=attempt.error_class in _BLAMED, took=took)

    def take(self, began: float, now: float, rules: BreakerRules, *, failed: bool, took: float = 0.0) -> None:
        """Take in a call that was sent at `began` and took so many seconds."""
        self.used = True
        slow = rules.slow is not None and took > rules.slow
        if self.until:
            if began > self.opened_at:  # else a straggler from before it opened
                self._probed(now, rules, good=not (failed or slow))
            return
        self.failures = self.failures + 1 if failed else 0
        if rules.rate is not None or rules.slow is not None:
            self._window.add(now, rules.window, failed=failed, slow=slow)
        if self._too_bad(rules):
            self._open(now, rules)

    def _too_bad(self, rules: BreakerRules) -> bool:
        if rules.failures is not None and self.failures >= rules.failures:
            return True
        window = self._window
        if window.calls < rules.volume:
            return False
        if rules.rate is not None and window.failed >= rules.rate * window.calls:
            return True
        return rules.slow is not None and window.slow >= rules.slow_rate * window.calls

    def _probed(self, now: float, rules: BreakerRules, *, good: bool) -> None:
        if now < self.until:
            return  # another probe has opened it again meanwhile
        if not good:
            self._open(now, rules)
            return
        self._good += 1
        if self._good >= rules.permits:
            self.close()
            if rules.shared and self.tell is not None:
                self.tell(0.0)

    def _open(self, now: float, rules: BreakerRules) -> None:
        seconds = min(rules.open_for * 2.0**self._openings, rules.longest)
        self._stand(now, seconds)
        self._openings = min(self._openings + 1, 30)
        if rules.shared and self.tell is not None:
            self.tell(seconds)

    def _stand(self, now: float, seconds: float) -> None:
        self.opened_at, self.until = now, now + seconds
        self._given = self._good = 0
        self._window.clear()

    def heard(self, now: float, seconds: float) -> None:
        """Another worker or node opened its own for `seconds`, or closed it (0)."""
        if seconds <= 0:
            self.close()
            return
        seconds = min(seconds, _FURTHEST)
        if now + seconds > self.until:
            self._stand(now, seconds)
            self._openings = max(self._openings, 1)

    def close(self) -> None:
        """Call it again as if nothing had happened."""
        self.failures = self._openings = self._given = self._good = 0
        self.until = self.opened_at = self._given_at = 0.0
        self._window.clear()
