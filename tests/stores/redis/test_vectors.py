"""A store that is away has nothing near, and fails no call; the contract suite shows the rest."""

import numpy as np
from tests.servers.states import real_time_store

VECTOR = np.array([1, 0], dtype=np.float32).tobytes()


async def test_redis_shares_them_and_valkey_leaves_each_its_own(redis_url, valkey_url):
    for url, shared in ((redis_url, True), (valkey_url, False)):
        async with real_time_store(url) as store:
            await store.vectors.add("s", "x", VECTOR, b"kept", 60)
            assert (await store.vectors.near("s", VECTOR, 1))[0].payload == b"kept"
            assert store.vectors.shared is shared


async def test_a_store_that_is_away_has_nothing(make_redis):
    server = make_redis("redis")
    async with real_time_store(server.url) as store:
        await store.vectors.add("s", "x", VECTOR, b"kept", 60)
        server.kill()
        assert await store.vectors.near("s", VECTOR, 1) == []
        await store.vectors.add("s", "y", VECTOR, b"", 60)
        assert store.vectors.failures >= 1
