"""One thread that carries batches away from a bounded queue; what does not fit is dropped and counted."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Calls `work(item)` in a thread of its own. The queue is bounded by weight (bytes or items, as the caller says).

    Dropping never waits and never raises.
    """

    def __init__(self, name: str, work: Callable[[T], None], bound: int) -> None:
        self.name = name
        self.dropped = 0
        """Items that did not fit; written by the caller's thread only."""
        self.failed = 0
        """Items whose work raised; written by the worker thread only."""
        self.failing = ""
        """The last failure, empty once work succeeds again."""
        self._work, self._bound = work, bound
        self._queue: deque[tuple[T, int, int]] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def lost(self) -> int:
        """Items that did not reach their end."""
        return self.dropped + self.failed

    @property
    def weight(self) -> int:
        """What waits or is under work now."""
        return self._weight

    def start(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"triplegate-{self.name}", daemon=True)
            self._thread.start()

    def put(self, item: T, weight: int, count: int = 1) -> bool:
        """Hand over an item that stands for `count` things; False when it was dropped."""
        with self._changed:
            if self._closing or self._weight + weight > self._bound:
                self.dropped += count
                return False
            self._weight += weight
            self._queue.append((item, weight, count))
            self._changed.notify()
        return True

    def close(self, timeout: float = 2.0) -> bool:
        """Work off the queue for at most `timeout` seconds; False when something was left."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)
        with self._changed:
            left = sum(count for _, _, count in self._queue)
            self._queue.clear()
            self.dropped += left
        return left == 0 and (self._thread is None or not self._thread.is_alive())

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            item, weight, count = entry
            self._guarded(item, count)
            with self._changed:
                self._weight -= weight

    def _next(self) -> tuple[T, int, int] | None:
        """The next entry, waited for; None when closing and all is done."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return self._queue.popleft() if self._queue else None

    def _guarded(self, item: T, count: int) -> None:
        try:
            self._work(item)
        except Exception as error:  # noqa: BLE001 - a sink that fails must not end the thread
            self.failed += count
            self.failing = f"{type(error).__name__}: {error}"[:200]
        else:
            self.failing = ""
