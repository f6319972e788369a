"""Entries of one turn of the loop share a write: for traffic that nobody is billed for."""

import asyncio

from triplegate.stores.spool_lane import Lane

_MOST = 256


class Gather:
    """In front of a lane. kill -9 costs at most the entries of the turn it strikes in; without a loop nothing waits.

    A `write(2)` of its own took 10 % of an unpriced call's CPU: it queues behind the fsync of the same file.
    """

    __slots__ = ("_frames", "_lane")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._frames: list[bytes] = []

    def append(self, frame: bytes) -> None:
        """Keep one entry for the write that comes with the loop's next turn."""
        frames = self._frames
        frames.append(frame)
        if len(frames) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()
        elif len(frames) >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        frames = self._frames
        if frames:
            self._frames = []
            self._lane.append_all(frames)
