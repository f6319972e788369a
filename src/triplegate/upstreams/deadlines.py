"""One timer for all deadlines of a pool: a float per connection, checked when the soonest could be due."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

NEVER = float("inf")
_GRAIN = 0.01
"""Seconds: deadlines are kept to this or to the loop's timer, whichever is coarser."""


class Timed(Protocol):
    """Something with deadlines of its own."""

    def check(self, now: float) -> float:
        """Act on what is due at `now`; the soonest deadline that is left (`NEVER`: none)."""
        ...


class Deadlines:
    """Deadlines move forward far more often than they fall due, so a request costs one comparison, not a timer."""

    __slots__ = ("_handle", "_members", "_now", "soonest")

    def __init__(self, members: Callable[[], Iterable[Timed]], now: Callable[[], float]) -> None:
        self._members = members
        self._now = now
        self._handle: asyncio.TimerHandle | None = None
        self.soonest = NEVER
        """When the next check is due; whoever sets an earlier deadline calls `pull`."""

    def pull(self, due: float) -> None:
        """See to it that a check happens at `due`, monotonic seconds."""
        if due < self.soonest:
            if self._handle is not None:
                self._handle.cancel()
            self.soonest = due
            delay = max(due - self._now(), _GRAIN)
            self._handle = asyncio.get_running_loop().call_later(delay, self._check)

    def _check(self) -> None:
        self.soonest, self._handle = NEVER, None
        now = self._now() + 0.001  # the loop's timers are in whole milliseconds
        soonest = NEVER
        for member in list(self._members()):
            soonest = min(soonest, member.check(now))
        self.pull(soonest)

    def stop(self) -> None:
        """No more checks."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None
        self.soonest = NEVER
