"""Shared admission: one round trip whatever the number of limits, and the scripts as they ship on real time."""

import asyncio
import uuid

import pytest
from tests.servers.states import real_time_store, redis_state

from triplegate.core.admission import Claim, Limit
from triplegate.core.clock import SystemClock
from triplegate.stores.redis import RedisStore
from triplegate.upstreams.supervisor import TaskSupervisor

KINDS = pytest.mark.parametrize("kind", ["redis", "valkey"])


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{kind}_url")
    return found


def rate(bucket: str, quota: int = 10, window: float = 60.0, dimension: str = "requests") -> Claim:
    return Claim(bucket, Limit(bucket, "rate", dimension, quota, window))  # type: ignore[arg-type]


async def calls_of(store: RedisStore) -> dict[bytes, int]:
    text: bytes = await store._pipeline.call("INFO", "commandstats")
    rows = [line.removeprefix(b"cmdstat_").split(b":", 1) for line in text.splitlines() if b":" in line]
    return {name: int(numbers.split(b",")[0].removeprefix(b"calls=")) for name, numbers in rows if b"calls" in numbers}


@KINDS
async def test_three_limits_cost_one_script_call_and_one_read(url: str) -> None:
    claims = (rate("key"), rate("team"), rate("model", 1000, dimension="total"))
    async with real_time_store(url) as store:
        await store.admission.take(claims, 30.0)
        before = await calls_of(store)
        await store.admission.take(claims, 30.0)
        after = await calls_of(store)
    assert after[b"evalsha"] - before[b"evalsha"] == 1
    assert after.get(b"eval", 0) == before.get(b"eval", 0)


@KINDS
async def test_a_server_that_forgot_the_scripts_is_told_them_again(url: str) -> None:
    async with real_time_store(url) as store:
        tokens = rate("t", 100, dimension="total")
        taken = await store.admission.take((Claim("t", tokens.limit, 40),), 30.0)
        await store._pipeline.call("SCRIPT", "FLUSH")
        (standing,) = await store.admission.peek((tokens,))
        assert standing.remaining == 60
        await store._pipeline.call("SCRIPT", "FLUSH")
        assert taken.hold is not None
        taken.hold.settle({"total": 10})
        async with asyncio.timeout(10):
            while (await store.admission.peek((tokens,)))[0].remaining < 90:
                await asyncio.sleep(0.01)
        assert store.state.degraded_takes == 0


@KINDS
async def test_two_processes_share_a_limit(url: str) -> None:
    async with redis_state(kind="redis", url=url) as state:
        (other,) = state.others
        for n in range(10):
            store = other.admission if n % 2 else state.admission
            assert (await store.take((rate("shared"),), 30.0)).standings[0].remaining == 9 - n
        assert (await state.admission.take((rate("shared"),), 30.0)).retry_after is not None
        assert (await other.admission.take((rate("shared"),), 30.0)).retry_after is not None


@KINDS
async def test_the_servers_clock_refills_a_bucket(url: str) -> None:
    claim = rate("fast", quota=10, window=1.0)
    async with real_time_store(url) as store:
        started = asyncio.get_running_loop().time()
        passed = 0
        while asyncio.get_running_loop().time() - started < 0.7:
            passed += (await store.admission.take((claim,), 30.0)).retry_after is None
            await asyncio.sleep(0.005)
        elapsed = asyncio.get_running_loop().time() - started
    assert 11 <= passed <= 10 + 10 * elapsed + 1


@KINDS
async def test_every_key_is_named_apart_and_has_an_end(url: str) -> None:
    supervisor = TaskSupervisor()
    namespace = uuid.uuid4().hex
    store = RedisStore(url, SystemClock(), supervisor, namespace=namespace, deadline=20.0)
    try:
        await store.open()
        money = Claim("b", Limit("money", "budget", "money", 100, 60.0), 10)
        place = Claim("p", Limit("at-once", "concurrent", "requests", 2, 0.0))
        first = await store.admission.take((rate("r"), money, place), 30.0)
        await store.admission.take((money, place), 300.0)
        assert first.hold is not None
        first.hold.settle({"money": 5})
        await store.admission.peek((rate("never-taken"), Claim("q", money.limit, 1)))
        await store.cache.put("c", b"1", 60.0, ["tag"])
        await store.sessions.put("s", {}, 60.0)
        await store.mailbox.append("m", b"1", 60.0)
        await store.lease.take("l", "me", 60.0)
        await store.once.first("o", 60.0)
        keys = await store._pipeline.call("KEYS", "{" + namespace + "}:*")
        assert len(keys) >= 12
        for key in keys:
            assert 0 < await store._pipeline.call("PTTL", key) <= 86_400_000, key
    finally:
        store.close()
        await supervisor.close()


@KINDS
async def test_a_caller_that_gives_up_leaves_no_place_taken(url: str) -> None:
    place = Claim("p", Limit("at-once", "concurrent", "requests", 1, 0.0))
    async with real_time_store(url) as store:
        taking = asyncio.gather(store.admission.take((place,), 300.0))
        await asyncio.sleep(0)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert (await store.admission.take((place,), 300.0)).retry_after is None
