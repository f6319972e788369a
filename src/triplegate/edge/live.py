"""The exchanges under way, and the sweep that notices clients who left or stalled."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from triplegate.core.exchange import Exchange

SWEEP = 0.1
"""Seconds between two sweeps: a client that left is noticed within two of them."""


class Watched(Protocol):
    """What the sweep asks of a wire."""

    swept: bool
    """True once it was seen by a sweep: only what outlives one is watched."""

    def watch(self) -> None:
        """Begin to look for the client's leaving, if that is possible by now."""
        ...

    def check_stall(self, now: float) -> None:
        """End the wait for a body that does not come."""
        ...

    def stop(self) -> None:
        """End the exchange now."""
        ...


class Live:
    """Exchanges by wire; one loop timer for all of them, none per request."""

    __slots__ = ("_now", "_timer", "idle", "wires")

    def __init__(self) -> None:
        self.wires: dict[Watched, Exchange] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.idle = asyncio.Event()
        """Set while nothing is under way and someone waits for that."""

    def start(self) -> None:
        """Begin to sweep, on the running loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SWEEP, self._sweep, loop)

    def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for wire in list(self.wires):
            if wire.swept:
                wire.watch()
                wire.check_stall(now)
            else:
                wire.swept = True
        self._timer = loop.call_later(SWEEP, self._sweep, loop)

    async def empty(self, within: float) -> bool:
        """Wait up to `within` seconds until nothing is under way; whether that came."""
        self.idle.clear()
        if not self.wires:
            return True
        try:
            async with asyncio.timeout(within):
                await self.idle.wait()
        except TimeoutError:
            return False
        return True

    def stop_all(self) -> None:
        """End every exchange under way."""
        for wire in list(self.wires):
            wire.stop()

    def __len__(self) -> int:
        return len(self.wires)

    def exchanges(self) -> Iterator[Exchange]:
        """The exchanges under way."""
        return iter(list(self.wires.values()))
