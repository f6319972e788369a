"""The exchanges under way, and the sweep that notices clients who left or stalled."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Protocol

from triplegate.core.errors import Refusal
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

    def dismiss(self, refusal: Refusal) -> None:
        """End the exchange now, because of `refusal`."""
        ...

    @property
    def departs(self) -> bool:
        """Is told to leave when the drain begins: it would not end by itself."""
        ...


class Live:
    """Exchanges by wire; one loop timer for all of them, none per request."""

    __slots__ = ("_leaving", "_left", "_timer", "draining", "idle", "wires")

    def __init__(self) -> None:
        self.wires: dict[Watched, Exchange] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: set[Watched] = set()
        self._left = asyncio.Event()
        self.draining = False
        """The process will end: what would not end by itself is not begun."""
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

    def refusal(self, most: int) -> Refusal | None:
        """Why one more that would not end by itself cannot begin now; None: it can."""
        if self.draining:
            return Refusal("draining", "The gateway is shutting down.", retry_after=1.0)
        if len(self.wires) >= most:
            return Refusal("overloaded", "Too many calls are under way.", retry_after=1.0)
        return None

    def enter(self, wire: Watched, exchange: Exchange) -> None:
        """It is under way."""
        self.wires[wire] = exchange

    def exit(self, wire: Watched) -> None:
        """It is over."""
        del self.wires[wire]
        if self._leaving:
            self._leaving.discard(wire)
            if not self._leaving:
                self._left.set()
        if not self.wires:
            self.idle.set()

    async def depart(self, within: float) -> None:
        """Begin the drain: tell those to leave that would not end by themselves, and wait until they have.

        After `within` seconds whoever is left is cut with the rest.
        """
        self.draining = True
        self._leaving = {wire for wire, exchange in self.wires.items() if wire.departs or exchange.departs}
        for wire in self._leaving:
            wire.stop()
        if self._leaving:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._left.wait()

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
