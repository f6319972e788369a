"""Two connections a process whatever the load, and nothing is imported before a store is opened."""

import asyncio
import subprocess
import sys

import pytest
from tests.servers.states import real_time_store

from triplegate.core.admission import Claim, Limit
from triplegate.core.errors import Refusal


async def test_a_process_has_two_connections_whatever_the_load(redis_url: str) -> None:
    claim = Claim("a", Limit("calls", "rate", "requests", 10**6, 60.0))
    async with real_time_store(redis_url) as store:
        listener = store.broadcast.listen("x")
        await store.broadcast.publish("x", b"")
        before = await store._pipeline.call("CLIENT", "LIST")
        await asyncio.gather(*[store.admission.take((claim,), 30.0) for _ in range(500)])
        assert len((await store._pipeline.call("CLIENT", "LIST")).splitlines()) == len(before.splitlines())
        assert listener.lost == 0


async def test_its_state_can_be_read(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        await store.ping()
        assert (store.state.up, store.state.losses, store.state.degraded_takes) == (True, 0, 0)
        store.close()
        assert not store.state.up
        with pytest.raises(Refusal):
            await store.ping()


def test_naming_the_store_imports_no_client() -> None:
    code = (
        "import sys, triplegate.stores.redis; print([m for m in ('redis', 'hiredis', 'asyncpg') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert shown.stdout.strip() == "[]"
