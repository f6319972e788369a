"""How many questions to one guard are under way, and how many more may wait."""

import asyncio
from collections import deque


class Full(Exception):
    """Nobody else may wait."""


class Turns:
    """One guard's; kept over reloads."""

    __slots__ = ("_inside", "_waiting")

    def __init__(self) -> None:
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, at_once: int, queue: int) -> None:
        """Wait for a turn, first come, first served. Raises Full."""
        if self._inside < at_once and not self._waiting:
            self._inside += 1
            return
        if len(self._waiting) >= queue:
            raise Full
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # it was handed over just now
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """The turn is over: the next one's."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._inside -= 1
