"""What has to be done from time to time, off the way of calls: one loop, a bounded number at once, none twice."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from heapq import heapify, heappop, heappush

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor

_AT_ONCE = 64
_SPREAD = 0.5
"""Seconds over which first runs are spread, at most; so that a start is not a storm."""
_JITTER = 0.1


class Chore(msgspec.Struct, frozen=True, eq=False):
    """One thing that is done again and again."""

    name: str
    """Whose next turn is kept over reloads."""
    every: float
    """Seconds from one begin to the next, a tenth more or less."""
    work: Callable[[], Awaitable[None]]


class Upkeep:
    """Runs the chores of the configuration in force; `keep` replaces them."""

    __slots__ = ("_busy", "_changed", "_chores", "_clock", "_draw", "_due", "_queue", "_supervisor", "failures")

    def __init__(
        self, supervisor: Supervisor, clock: Clock, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._supervisor, self._clock, self._draw = supervisor, clock, draw
        self._chores: dict[str, Chore] = {}
        self._due: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        self._busy: set[str] = set()
        self._changed = asyncio.Event()
        self.failures = 0
        """Chores that ended with an error they should have kept to themselves."""

    def keep(self, chores: Iterable[Chore]) -> None:
        """These from now on; who was there before keeps its turn, unless its new pace asks for an earlier one."""
        now = self._clock.now()
        self._chores = {chore.name: chore for chore in chores}
        self._due = {
            name: min(self._due.get(name) or now + self._draw(0.0, min(chore.every, _SPREAD)), now + chore.every)
            for name, chore in self._chores.items()
        }
        self._queue = [(due, name) for name, due in self._due.items()]
        heapify(self._queue)
        self._changed.set()

    async def run(self) -> None:
        """For ever: begin what is due, then sleep until the next is, or until something has changed."""
        while True:
            self._changed.clear()
            wait = self._begin()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _begin(self) -> float | None:
        """Begin what is due; seconds until the next, None when only a change can bring one."""
        queue, now = self._queue, self._clock.now()
        while queue and queue[0][0] <= now and len(self._busy) < _AT_ONCE:
            _, name = heappop(queue)
            chore = self._chores[name]
            due = self._due[name] = now + chore.every * self._draw(1 - _JITTER, 1 + _JITTER)
            heappush(queue, (due, name))
            if name not in self._busy:
                self._start(chore)
        if not queue or (queue[0][0] <= now and len(self._busy) >= _AT_ONCE):
            return None
        return max(queue[0][0] - now, 0.001)

    def _start(self, chore: Chore) -> None:
        self._busy.add(chore.name)
        try:
            self._supervisor.spawn(self._run(chore), f"upkeep {chore.name}")
        except Refusal:  # no room for a task now: at its next turn
            self._busy.discard(chore.name)

    async def _run(self, chore: Chore) -> None:
        try:
            await chore.work()
        except Exception:  # noqa: BLE001 - one chore's trouble is no reason to stop the others
            self.failures += 1
        finally:
            self._busy.discard(chore.name)
            if len(self._busy) == _AT_ONCE - 1:
                self._changed.set()
