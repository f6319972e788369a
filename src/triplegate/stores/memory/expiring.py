"""A bounded dictionary whose entries expire; nothing that still counts is forgotten to make room."""

from collections import deque
from typing import Generic, TypeVar

from triplegate.core.errors import Refusal

T = TypeVar("T")
_LOOKED_AT = 64


class Expiring(Generic[T]):
    """Values by name with the monotonic second of their end. Each new name pays for looking at two old ones."""

    __slots__ = ("_entries", "_limit", "_order")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[str, tuple[T, float]] = {}
        self._order: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str, now: float) -> T | None:
        """The value, unless it has expired."""
        found = self._entries.get(name)
        return found[0] if found is not None and found[1] > now else None

    def put(self, name: str, value: T, expires: float, now: float) -> None:
        """Create or replace. Raises Refusal overloaded when full of living entries."""
        if name not in self._entries:
            self._sweep(2, now)
            if len(self._entries) >= self._limit and not self._sweep(_LOOKED_AT, now):
                raise Refusal("overloaded", "The gateway remembers as much as it can.", retry_after=1.0)
            self._order.append(name)
        self._entries[name] = (value, expires)

    def drop(self, name: str) -> bool:
        """Forget; False when it was not there. Its place in the order is swept later."""
        found = self._entries.get(name)
        if found is None:
            return False
        self._entries[name] = (found[0], float("-inf"))
        return True

    def _sweep(self, count: int, now: float) -> int:
        gone = 0
        for _ in range(min(count, len(self._order))):
            name = self._order.popleft()
            if self._entries[name][1] <= now:
                del self._entries[name]
                gone += 1
            else:
                self._order.append(name)
        return gone
