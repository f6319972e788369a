"""The scripts are known by their digests, and exact where doubles are not."""

import hashlib

from tests.servers.states import real_time_store

from triplegate.core.admission import Claim, Limit
from triplegate.stores.redis.scripts import EXTEND, SETTLE, TAKE


async def test_the_server_knows_the_scripts_by_our_names(redis_url: str, valkey_url: str) -> None:
    for url in (redis_url, valkey_url):
        async with real_time_store(url) as store:
            names = [script.name for script in (TAKE, SETTLE, EXTEND)]
            assert await store._pipeline.call("SCRIPT", "EXISTS", *names) == [1, 1, 1]
    assert TAKE.name.decode() == hashlib.sha1(TAKE.text).hexdigest()  # noqa: S324 - Redis's own name for it


async def test_sums_stay_exact_beyond_what_a_double_holds(redis_url: str) -> None:
    quota = 9_000_000_000_000_000_000
    async with real_time_store(redis_url) as store:
        claim = Claim("b", Limit("money", "budget", "money", quota, 86_400.0), 2**53 - 1)
        for _ in range(4):
            taken = await store.admission.take((claim,), 30.0)
            assert taken.hold is not None
            taken.hold.settle({"money": 2**53 - 1})
        spent = await store._pipeline.call("HGET", store.admission.packer.key(claim), "s")
        assert int(spent) == 4 * (2**53 - 1)


async def test_a_sum_stops_before_it_would_overflow(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        claim = Claim("b", Limit("money", "budget", "money", 2**62, 86_400.0), 1)
        await store.admission.peek((claim,))
        key = store.admission.packer.key(claim)
        await store._pipeline.call("HSET", key, "s", 9_199_999_999_999_999_000)
        taken = await store.admission.take((Claim("b", Limit("m", "budget", "money", 2**63 - 1, 86_400.0), 1),), 30.0)
        assert taken.hold is not None
        taken.hold.settle({"money": 2**53})
        (standing,) = await store.admission.peek((claim,))
        assert standing.remaining == 0
        assert store.state.up
