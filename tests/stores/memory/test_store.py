"""One worker's state: every port by the name the Redis store gives it, and nothing to reach."""

import inspect

from triplegate.core.clock import SetClock
from triplegate.stores.memory.store import MemoryStore
from triplegate.stores.redis.store import RedisStore
from triplegate.upstreams.supervisor import TaskSupervisor

PORTS = ("admission", "broadcast", "cache", "lease", "mailbox", "once", "sessions")


async def test_both_stores_can_stand_in_for_each_other() -> None:
    memory = MemoryStore(SetClock())
    redis = RedisStore("redis://127.0.0.1:1/0", SetClock(), TaskSupervisor())
    for port in PORTS:
        here, there = type(getattr(memory, port)), type(getattr(redis, port))
        for name, method in inspect.getmembers(here, inspect.isfunction):
            if not name.startswith("_") and name not in {"arrive", "take_now"}:
                assert (
                    inspect.signature(method).parameters.keys()
                    == inspect.signature(getattr(there, name)).parameters.keys()
                ), f"{port}.{name}"
    await memory.open(0.1)
    assert await memory.once.first("a", 60.0)
    memory.close()
