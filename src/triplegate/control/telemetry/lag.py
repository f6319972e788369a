"""How late the event loop runs its timers: what every exchange waits for when somebody blocks."""

import asyncio

from triplegate.core.meters import Histogram

_BEAT = 0.1


class LoopLag:
    """Records the lag of a 100 ms timer into a histogram, in seconds."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._again()

    def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        assert self._loop is not None
        self._due = self._loop.time() + _BEAT
        self._timer = self._loop.call_at(self._due, self._ran)

    def _ran(self) -> None:
        assert self._loop is not None
        self._histogram.record((), max(0.0, self._loop.time() - self._due))
        self._again()
