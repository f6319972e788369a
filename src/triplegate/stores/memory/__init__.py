"""State in this process only: the default, and the reference that every other adapter is tested against."""

from triplegate.stores.memory.admission import MemoryAdmission
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.stores.memory.cache import MemoryCache
from triplegate.stores.memory.lease import MemoryLease
from triplegate.stores.memory.mailbox import MemoryMailbox
from triplegate.stores.memory.once import MemoryOnce
from triplegate.stores.memory.sessions import MemorySessions
from triplegate.stores.memory.store import MemoryStore
from triplegate.stores.memory.vectors import MemoryVectors

__all__ = [
    "MemoryAdmission",
    "MemoryBroadcast",
    "MemoryCache",
    "MemoryLease",
    "MemoryMailbox",
    "MemoryOnce",
    "MemorySessions",
    "MemoryStore",
    "MemoryVectors",
]
