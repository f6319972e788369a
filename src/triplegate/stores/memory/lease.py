"""One holder at a time, in this process."""

from triplegate.core.clock import Clock
from triplegate.stores.memory.expiring import Expiring


class MemoryLease:
    """The Lease port."""

    __slots__ = ("_clock", "_owners")

    def __init__(self, clock: Clock, max_names: int = 100_000) -> None:
        self._clock = clock
        self._owners: Expiring[str] = Expiring(max_names)

    async def take(self, name: str, owner: str, ttl: float) -> bool:
        """Take or renew; False when another holds it. Raises Refusal overloaded when full."""
        now = self._clock.now()
        holder = self._owners.get(name, now)
        if holder is not None and holder != owner:
            return False
        self._owners.put(name, owner, now + ttl, now)
        return True

    async def give(self, name: str, owner: str) -> None:
        """Give it back; nothing happens when another holds it."""
        if self._owners.get(name, self._clock.now()) == owner:
            self._owners.drop(name)
