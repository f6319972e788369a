"""The two times everything reads: monotonic for waits, wall for records."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from; tests hand in one they can turn."""

    def now(self) -> float:
        """Monotonic seconds: for durations, deadlines and buckets, never for records."""
        ...

    def wall(self) -> float:
        """Unix seconds (UTC): for records, windows of the calendar and token expiry."""
        ...


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()
    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)  # noqa: TID251 - the clock port itself


class SetClock:
    """A clock that stands still until it is told to move; shipped for offline `test` and for tests."""

    __slots__ = ("_now", "_wall")

    def __init__(self, now: float = 1_000.0, wall: float = 1_767_225_600.0) -> None:
        self._now, self._wall = now, wall

    def now(self) -> float:
        """Monotonic seconds as last set."""
        return self._now

    def wall(self) -> float:
        """Unix seconds as last set."""
        return self._wall

    def advance(self, seconds: float) -> None:
        """Move both times forward by `seconds`."""
        self._now += seconds
        self._wall += seconds
