"""The state adapters as the contract suites see them: one face for memory, Redis and Valkey, and one clock to turn."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

import triplegate.stores.redis.admission as redis_admission
import triplegate.stores.redis.settling as redis_settling
from triplegate.core.clock import SetClock, SystemClock
from triplegate.core.ports import Admission, Broadcast, Cache, Lease, Mailbox, Once, Sessions, Vectors
from triplegate.stores.memory import (
    MemoryAdmission,
    MemoryBroadcast,
    MemoryCache,
    MemoryLease,
    MemoryMailbox,
    MemoryOnce,
    MemorySessions,
    MemoryVectors,
)
from triplegate.stores.redis import RedisStore
from triplegate.stores.redis.balances import BALANCE, CORRECT
from triplegate.stores.redis.scripts import EXTEND, SETTLE, TAKE, Script
from triplegate.upstreams.supervisor import TaskSupervisor

PATIENT = 20.0
"""A deadline that a busy machine keeps: the suites test meaning, not speed."""


@dataclass
class State:
    """All ports of one adapter. `others` are further clients of the same store (the same objects in memory)."""

    kind: str
    admission: Admission
    cache: Cache
    sessions: Sessions
    mailbox: Mailbox
    broadcast: Broadcast
    lease: Lease
    once: Once
    vectors: Vectors
    clock: SetClock
    store: RedisStore | None = None
    others: list[RedisStore] = field(default_factory=list)

    async def advance(self, seconds: float) -> None:
        """Move the adapter's clock; of Redis only the clock of admission can be moved."""
        self.clock.advance(seconds)
        if self.store is not None:
            await _set_time(self.store, self.clock)

    async def outlive(self, seconds: float) -> None:
        """Let a short life end: by turning the clock in memory, by real time where the server keeps it."""
        if self.store is None:
            self.clock.advance(seconds + 0.001)
        else:
            await asyncio.sleep(seconds + 0.02)

    def others_broadcast(self) -> Broadcast:
        """The broadcast of another process, where there is one."""
        return self.others[0].broadcast if self.others else self.broadcast

    def others_mailbox(self) -> Mailbox:
        """The mailbox of another process, where there is one."""
        return self.others[0].mailbox if self.others else self.mailbox


def memory_state() -> State:
    clock = SetClock()
    return State(
        "memory",
        MemoryAdmission(clock),
        MemoryCache(clock),
        MemorySessions(clock),
        MemoryMailbox(clock),
        MemoryBroadcast(),
        MemoryLease(clock),
        MemoryOnce(clock),
        MemoryVectors(clock),
        clock,
    )


@asynccontextmanager
async def redis_state(kind: str, url: str, clients: int = 2) -> AsyncIterator[State]:
    """Clients of one server in a namespace of their own; admission reads its time from a key the test sets."""
    clock = SetClock()
    supervisor = TaskSupervisor()
    namespace = uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis_admission, "TAKE", _on_set_time(TAKE, namespace))
        patch.setattr(redis_admission, "EXTEND", _on_set_time(EXTEND, namespace))
        patch.setattr(redis_admission, "BALANCE", _on_set_time(BALANCE, namespace))
        patch.setattr(redis_admission, "CORRECT", _on_set_time(CORRECT, namespace))
        settle = _on_set_time(SETTLE, namespace)
        patch.setattr(redis_admission, "SETTLE", settle)
        patch.setattr(redis_settling, "SETTLE", settle)
        stores = [
            RedisStore(url, clock, supervisor, namespace=namespace, nodes=clients, deadline=PATIENT)
            for _ in range(clients)
        ]
        try:
            for store in stores:
                await store.open()
            first = stores[0]
            await _set_time(first, clock, namespace)
            ports = (first.admission, first.cache, first.sessions, first.mailbox, first.broadcast)
            yield State(kind, *ports, first.lease, first.once, first.vectors, clock, first, stores[1:])
        finally:
            for store in stores:
                store.close()
            await supervisor.close()


@asynccontextmanager
async def real_time_store(
    url: str, *, deadline: float = PATIENT, nodes: int = 1, within: float = 10.0, required: bool = True
) -> AsyncIterator[RedisStore]:
    """A store as it is in production: the server's clock, the scripts as shipped."""
    supervisor = TaskSupervisor()
    store = RedisStore(url, SystemClock(), supervisor, namespace=uuid.uuid4().hex, nodes=nodes, deadline=deadline)
    try:
        await store.open(within, required=required)
        yield store
    finally:
        store.close()
        await supervisor.close()


def _on_set_time(script: Script, namespace: str) -> Script:
    text = script.text.decode()
    asked = "redis.call('TIME')"
    assert text.count(asked) == 1
    return Script(text.replace(asked, f"redis.call('HMGET', '{{{namespace}}}:clock', 's', 'u')"))


async def _set_time(store: RedisStore, clock: SetClock, namespace: str = "") -> None:
    key = "{" + (namespace or store.admission.packer.key_space) + "}:clock"
    micros = round(clock.wall() * 1e6)
    await store._pipeline.call("HSET", key, "s", micros // 1_000_000, "u", micros % 1_000_000)
