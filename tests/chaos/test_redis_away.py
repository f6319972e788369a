"""Redis stops answering, dies, comes back: nobody gets a 5xx, limits hold, and the house says how it stands."""

import asyncio
import statistics
import time

import pytest
from tests.chaos.calls import Call, Load, ask
from tests.chaos.houses import furnish
from tests.journeys.running import House, eventually, free_port
from tests.servers.redis import RedisServer

from triplegate.samples.start import start_samples

DEADLINE = 0.05
"""Longest wait for an answer of Redis, in seconds."""
LIMIT = 60


@pytest.fixture(scope="module")
def samples():
    with start_samples() as running:
        yield running


@pytest.fixture(scope="module")
def redis():
    server = RedisServer("redis").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def house(samples, redis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    furnish(folder, samples, settings=f"state: {{redis: {redis.url}}}", tight=LIMIT)
    with House(folder) as running:
        yield running


def degraded(house: House) -> str:
    """What the admin API says of Redis; empty while all is well."""
    found = {one["part"]: one["detail"] for one in house.admin("GET", "/status").json()["degraded"]}
    return found.get("redis", "")


def counted(house: House) -> float:
    """What the metric says of it."""
    return house.metrics().get('triplegate_degraded_parts{triplegate_part="redis"}', 0.0)


async def outage(house: House, begin, end) -> None:
    """Steady calls of a limited route, before, during and after."""
    key = await asyncio.to_thread(house.key)
    async with Load(10, lambda _: Call(house.port, "/health", key=key), pause=0.02) as load:
        await load.made(100)
        begin()
        began = time.monotonic()
        said = await asyncio.to_thread(eventually, lambda: degraded(house), 3.0)
        noticed = time.monotonic()
        assert await asyncio.to_thread(counted, house) == 1
        await load.made(200)
        end()
        ended = time.monotonic()
        await asyncio.to_thread(eventually, lambda: not degraded(house), 3.0)
        assert await asyncio.to_thread(counted, house) == 0
        await load.made(100)
    assert set(load.seen) == {200}, load.seen
    assert "limits are counted in this process, each at 1/1" in said
    at_first = [took for at, took in load.times if began - 0.05 <= at < noticed]
    later = [took for at, took in load.times if noticed + 0.2 <= at < ended - 0.05]
    assert max(at_first) < 1.0, "a call waits for Redis no longer than its deadline, whatever the machine does"
    assert sum(took > 0.9 * DEADLINE for took in at_first) <= 10 * 5 + 20, "five late writes are enough to know"
    assert statistics.median(later) < 0.9 * DEADLINE, "nobody waits for a store that is known to be away"


async def test_a_redis_that_hangs_costs_a_deadline_or_two_and_nobody_a_5xx(house, redis):
    await outage(house, redis.pause, redis.resume)


async def test_a_redis_that_dies_is_replaced_by_the_own_share_until_it_is_back(house, redis):
    await outage(house, redis.kill, redis.start)


async def test_a_limit_holds_over_an_outage(house, redis):
    key = await asyncio.to_thread(house.key)

    async def calls(count: int) -> list[int]:
        return [(await ask(house.port, "/echo", key=key)).status for _ in range(count)]

    before = await calls(LIMIT // 2)
    redis.pause()
    during = await calls(LIMIT * 2)
    redis.resume()
    await asyncio.to_thread(eventually, lambda: not degraded(house), 3.0)
    after = await calls(20)
    assert before == [200] * (LIMIT // 2)
    assert set(during) <= {200, 429}
    admitted = [*before, *during, *after].count(200)
    assert LIMIT * 0.9 <= admitted <= LIMIT * 1.2
    assert during[-1] == 429


@pytest.mark.long
@pytest.mark.parametrize("seconds", [20])
async def test_a_long_outage_under_load_is_as_good_as_a_short_one(house, redis, seconds):
    key = await asyncio.to_thread(house.key)
    async with Load(20, lambda _: Call(house.port, "/health", key=key), pause=0.1) as load:
        await load.made(100)
        redis.pause()
        await asyncio.sleep(seconds)
        redis.resume()
        await asyncio.to_thread(eventually, lambda: not degraded(house), 3.0)
        await load.made(100)
    assert set(load.seen) == {200}, load.seen


@pytest.mark.long  # it is given its ten seconds
async def test_without_redis_at_the_start_nothing_starts(samples, tmp_path):
    port = free_port()
    furnish(tmp_path, samples, settings=f"state: {{redis: 'redis://:secret@127.0.0.1:{port}/0'}}")
    house = House(tmp_path)
    with pytest.raises(AssertionError, match="it ended"):
        await asyncio.to_thread(house.start)
    assert house.process.wait(5) == 1
    said = "\n".join(house.lines)
    assert f"Redis at 127.0.0.1:{port} does not answer" in said
    assert "Start it, correct its address in the settings, or use the memory store" in said
    assert "secret" not in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir() if path.name != "triplegate.yaml"] == [".triplegate"]
    with pytest.raises(ConnectionRefusedError):
        await ask(house.port, "/")
    with pytest.raises(ConnectionRefusedError):
        await ask(house.admin_port, "/readyz")
