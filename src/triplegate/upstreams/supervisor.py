"""The only maker of tasks on the data path: a bounded set, refused when full, awaited at the end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from triplegate.core.errors import Refusal


class TaskSupervisor:
    """The Supervisor port."""

    __slots__ = ("_closed", "_limit", "_tasks", "failures", "last_failure", "refused")

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.refused = 0
        self.failures = 0
        self.last_failure = ""
        """Name and exception of the last task that failed; its maker should have caught it."""

    @property
    def running(self) -> int:
        """Tasks alive now."""
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> Callable[[], None]:
        """Run `work`; the return value cancels it. Raises Refusal overloaded when full (and closes `work`)."""
        if self._closed or len(self._tasks) >= self._limit:
            self.refused += 1
            work.close()
            raise Refusal("overloaded", "The gateway is at its limit.", reason=f"no room for task {name}")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

        def cancel() -> None:
            task.cancel()

        return cancel

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures += 1
            self.last_failure = f"{task.get_name()}: {failure!r}"

    async def close(self, grace: float = 5.0) -> None:
        """Take no more, cancel what runs and wait up to `grace` seconds for it."""
        self._closed = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
