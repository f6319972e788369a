"""Leave alone for a while what said no: a quota group after a 429, a key after a 401; then one call tries it again."""

from collections.abc import Callable
from typing import NamedTuple

_FURTHEST = 3600.0
"""Seconds: nobody can ask to be left alone for longer at once."""
_LOST = 30.0
"""Seconds after which a probe that nothing was heard of is given to another call."""


class Pace(NamedTuple):
    """How long it is left alone: at first, and at most when it goes on."""

    first: float
    longest: float


class Cooldown:
    """Counters only; keep it by `kit.state` under what it stands for."""

    __slots__ = ("__weakref__", "_probe_at", "_probing", "cooled", "tell", "times", "until", "why")

    def __init__(self) -> None:
        self.until = 0.0
        """Monotonic seconds before which nothing is tried; 0: it is well."""
        self.times = 0
        """Refusals since it was last well."""
        self.cooled = 0
        """How often it was left alone so far."""
        self.why = ""
        """What was said when it last refused."""
        self.tell: Callable[[float], None] | None = None
        """Told for how many seconds it is left alone from now, or 0 when it is well again, where that is shared."""
        self._probing = False
        self._probe_at = 0.0

    def left(self, now: float) -> float:
        """Seconds until a call may try it; 0: now. While one call tries it, the others wait."""
        if not self.until:
            return 0.0
        if now < self.until:
            return self.until - now
        if self._probing and now < self._probe_at + _LOST:
            return max(self._probe_at + 1.0 - now, 1.0)
        return 0.0

    def take(self, now: float) -> None:
        """A call goes there; after a pause it is the one that tries."""
        if self.until:
            self._probing, self._probe_at = True, now

    def refused(self, now: float, pace: Pace, wait: float | None, why: str) -> None:
        """It said no: for as long as it asked, else for longer each time."""
        if now < self.until and not self._probing:
            if wait is not None:  # another call's answer from the same moment
                self._stand(now, max(self.until - now, min(wait, _FURTHEST)))
            return
        seconds = min(pace.first * 2.0**self.times, pace.longest) if wait is None else min(wait, _FURTHEST)
        self.times = min(self.times + 1, 16)
        self.cooled += 1
        self.why = why
        self._probing = False
        self._stand(now, seconds)

    def _stand(self, now: float, seconds: float) -> None:
        longer = now + seconds > self.until
        self.until = now + seconds
        if longer and self.tell is not None:
            self.tell(seconds)

    def heard(self, now: float, seconds: float) -> None:
        """Another worker or node leaves it alone for so long, or found it well (0)."""
        if seconds <= 0:
            self._mend()
        elif now + min(seconds, _FURTHEST) > self.until:
            self.until, self._probing = now + min(seconds, _FURTHEST), False
            self.times, self.why = max(self.times, 1), self.why or "as another worker or node was told"

    def well(self) -> None:
        """It answered."""
        if self.until:
            self._mend()
            if self.tell is not None:
                self.tell(0.0)

    def _mend(self) -> None:
        self.until, self.times, self.why, self._probing = 0.0, 0, "", False

    def unsaid(self) -> None:
        """The call that tried it failed for another reason: the next one may try."""
        self._probing = False
