"""Everything of the ports in one process, on one clock."""

import inspect

from triplegate.core.admission import Claim, Limit
from triplegate.core.clock import SetClock
from triplegate.stores.memory.store import MemoryStore
from triplegate.stores.redis.store import RedisStore

PORTS = ("admission", "cache", "sessions", "mailbox", "broadcast", "lease", "once")


async def test_all_ports_are_here_and_turn_with_the_one_clock():
    clock = SetClock()
    store = MemoryStore(clock)
    await store.open(required=True)
    assert all(getattr(store, name) is not None for name in PORTS)
    claims = (Claim("b", Limit("one", "rate", "requests", 1, 10.0)),)
    assert (await store.admission.take(claims, 60.0)).retry_after is None
    assert await store.once.first("seen", 10.0)
    assert await store.lease.take("name", "me", 10.0)
    await store.cache.put("key", b"value", 10.0)
    assert (await store.admission.take(claims, 60.0)).retry_after == 10.0
    assert not await store.once.first("seen", 10.0)
    assert not await store.lease.take("name", "you", 10.0)
    clock.advance(10.1)
    assert (await store.admission.take(claims, 60.0)).retry_after is None
    assert await store.once.first("seen", 10.0)
    assert await store.lease.take("name", "you", 10.0)
    assert await store.cache.get("key") is None
    store.close()


def test_it_can_stand_where_the_redis_store_stands():
    assert inspect.signature(MemoryStore.open) == inspect.signature(RedisStore.open)
    source = inspect.getsource(RedisStore)
    assert all(f"self.{name}" in source for name in PORTS)


async def test_two_stores_share_nothing():
    one, other = MemoryStore(SetClock()), MemoryStore(SetClock())
    assert await one.once.first("seen", 10.0)
    assert await other.once.first("seen", 10.0)
