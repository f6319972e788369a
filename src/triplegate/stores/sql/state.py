"""`state: sql`: budgets are shared through the database, everything else is this worker's own."""

from contextlib import suppress

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.stores.memory.cache import MemoryCache
from triplegate.stores.memory.lease import MemoryLease
from triplegate.stores.memory.mailbox import MemoryMailbox
from triplegate.stores.memory.once import MemoryOnce
from triplegate.stores.memory.sessions import MemorySessions
from triplegate.stores.memory.vectors import MemoryVectors
from triplegate.stores.sql.admission import SqlAdmission
from triplegate.stores.sql.engine import Database


class SqlState:
    """The ports of `core.ports`; has the same names as the memory store. `nodes`: workers that share the budgets."""

    def __init__(self, url: str, clock: Clock, supervisor: Supervisor, *, nodes: int = 1) -> None:
        self._database = Database(url)
        self.admission = SqlAdmission(self._database, clock, supervisor, nodes=nodes)
        self.cache = MemoryCache(clock)
        self.vectors = MemoryVectors(clock)
        self.sessions = MemorySessions(clock)
        self.mailbox = MemoryMailbox(clock)
        self.broadcast = MemoryBroadcast()
        self.lease = MemoryLease(clock)
        self.once = MemoryOnce(clock)

    async def open(self, within: float = 10.0, *, required: bool = True) -> None:
        """The tables are made by the store, which is opened next."""

    def close(self) -> None:
        """Nothing is held; see `end`."""

    async def end(self) -> None:
        """Write what waits, and close every connection."""
        with suppress(Refusal):
            await self.admission.flush()
        await self._database.close()
