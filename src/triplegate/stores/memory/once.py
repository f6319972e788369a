"""Remember in this process that something was seen."""

from triplegate.core.clock import Clock
from triplegate.stores.memory.expiring import Expiring


class MemoryOnce:
    """The Once port. When it is full it refuses: forgetting would let a replay pass."""

    __slots__ = ("_clock", "_seen")

    def __init__(self, clock: Clock, max_names: int = 200_000) -> None:
        self._clock = clock
        self._seen: Expiring[bool] = Expiring(max_names)

    async def first(self, name: str, ttl: float) -> bool:
        """True the first time within `ttl` seconds. Raises Refusal overloaded when full."""
        now = self._clock.now()
        if self._seen.get(name, now):
            return False
        self._seen.put(name, True, now + ttl, now)
        return True
