"""A cache whose store is away has nothing, and fails nobody."""

import pytest
from tests.servers.states import real_time_store

from triplegate.core.errors import Refusal


async def test_a_store_that_is_away_is_an_empty_cache(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        await store.cache.put("a", b"1", 60.0)
        store.close()
        await store.cache.put("b", b"1", 60.0, ["tag"])
        await store.cache.drop("a")
        assert await store.cache.get("a") is None
        assert store.cache.failures == 3
        with pytest.raises(Refusal):
            await store.cache.drop_tag("tag")


async def test_a_tag_forgets_keys_that_have_expired(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        for n in range(20):
            await store.cache.put(f"short-{n}", b"1", 0.005, ["tag"])
        await store.cache.put("long", b"1", 60.0, ["tag"])
        import asyncio

        await asyncio.sleep(0.01)
        await store.cache.put("long", b"1", 60.0, ["tag"])
        assert await store._pipeline.call("ZCARD", store.cache._tags + "tag") == 1
