"""Several pieces of work of one call at the same time, a few at once; each is heard of when it ends."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor

T = TypeVar("T")


class Abreast(Generic[T]):
    """Work under way."""

    __slots__ = ("_cancels", "_ended", "_waiting", "_woken", "left")

    def __init__(
        self, supervisor: Supervisor, work: Sequence[Callable[[], Awaitable[T]]], most: int, name: str
    ) -> None:
        """At most `most` at once. Raises Refusal overloaded."""
        self._waiting = deque(enumerate(work))
        self._ended: deque[tuple[int, T | BaseException]] = deque()
        self._woken = asyncio.Event()
        self._cancels: list[Callable[[], None]] = []
        self.left = len(work)
        """Pieces that were not heard of yet."""
        try:
            for _ in range(min(most, len(work))):
                self._cancels.append(supervisor.spawn(self._run(), name))
        except Refusal:
            if not self._cancels:
                raise  # else those that were begun do it all

    async def _run(self) -> None:
        while self._waiting:
            place, work = self._waiting.popleft()
            try:
                self._ended.append((place, await work()))
            except BaseException as error:
                self._ended.append((place, error))
                raise
            finally:
                self._woken.set()

    async def next(self) -> tuple[int, T]:
        """The next that has ended: its place and what it gave. Raises what it raised."""
        while not self._ended:
            self._woken.clear()
            await self._woken.wait()
        place, given = self._ended.popleft()
        self.left -= 1
        if isinstance(given, BaseException):
            raise Refusal("internal", "The gateway failed.", reason=repr(given)) from given
        return place, given

    def close(self) -> None:
        """Nobody waits any more."""
        self._waiting.clear()
        for cancel in self._cancels:
            cancel()
