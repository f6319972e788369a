"""Everything of `core.ports` in this process: what one worker needs and nothing else."""

from triplegate.core.clock import Clock
from triplegate.stores.memory.admission import MemoryAdmission
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.stores.memory.cache import MemoryCache
from triplegate.stores.memory.lease import MemoryLease
from triplegate.stores.memory.mailbox import MemoryMailbox
from triplegate.stores.memory.once import MemoryOnce
from triplegate.stores.memory.sessions import MemorySessions
from triplegate.stores.memory.vectors import MemoryVectors


class MemoryStore:
    """The ports, in memory; has the same names as the Redis store."""

    def __init__(self, clock: Clock) -> None:
        self.admission = MemoryAdmission(clock)
        self.cache = MemoryCache(clock)
        self.sessions = MemorySessions(clock)
        self.mailbox = MemoryMailbox(clock)
        self.broadcast = MemoryBroadcast()
        self.lease = MemoryLease(clock)
        self.once = MemoryOnce(clock)
        self.vectors = MemoryVectors(clock)

    async def open(self, within: float = 10.0, *, required: bool = True) -> None:
        """Nothing has to be reached."""

    def close(self) -> None:
        """Nothing is held."""
