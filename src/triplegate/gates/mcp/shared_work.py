"""Work that several calls wait for and that is carried out once, by a supervised task that no caller can cancel."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor

T = TypeVar("T")


class SharedWork(Generic[T]):
    """Single-flight: while it runs, everybody who asks gets the same result."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: asyncio.Future[T] | None = None

    def start(self, supervisor: Supervisor, work: Callable[[], Coroutine[Any, Any, T]], name: str) -> asyncio.Future[T]:
        """The result to be; wait with `asyncio.wait`, which leaves it alone. Raises Refusal overloaded."""
        running = self._running
        if running is None:
            running = asyncio.get_running_loop().create_future()
            supervisor.spawn(self._run(work, running), name)
            self._running = running
            running.add_done_callback(_heard)
        return running

    async def get(self, supervisor: Supervisor, work: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
        """The result, or what the work raised."""
        running = self.start(supervisor, work, name)
        await asyncio.wait((running,))
        return running.result()

    async def _run(self, work: Callable[[], Coroutine[Any, Any, T]], result: "asyncio.Future[T]") -> None:
        try:
            value = await work()
        except asyncio.CancelledError:
            self._running = None
            result.set_exception(Refusal("draining", "The gateway is shutting down.", retry_after=1.0))
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            self._running = None
            result.set_exception(error)
        else:
            self._running = None
            result.set_result(value)


def _heard(future: "asyncio.Future[Any]") -> None:
    """A failure that nobody waited for any more is no news."""
    if not future.cancelled():
        future.exception()
