"""Places are counted before they are used, and nobody waits while one is free."""

import asyncio
import random

import msgspec
import pytest
from tests.hostile.scripted import DISPATCH, Upstream, ask, content, pool_to

from triplegate.core.errors import Refusal
from triplegate.upstreams.places import PoolLimits

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def limited(**bounds):
    return msgspec.structs.replace(DISPATCH, tuned={"pool": PoolLimits(**bounds)})


async def serving(talk):
    while True:
        await talk.head()
        await asyncio.sleep(0.002)
        await talk.say(OK)


async def test_never_more_connections_than_allowed_and_everyone_is_served():
    dispatch = limited(connections=3, waiting=100, wait=5.0)
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        bodies = await asyncio.gather(*[one(pool, dispatch) for _ in range(60)])
        assert bodies == [b"ok"] * 60
        assert upstream.connections == 3
        assert pool.counters().waiting == 0


async def one(pool, dispatch):
    return await content(await ask(pool, dispatch=dispatch))


async def test_a_place_that_comes_free_by_failure_goes_to_who_waits():
    async def script(talk):
        await talk.head()
        if talk.number == 1:
            await released.wait()
            return
        await talk.say(OK)
        await talk.read_to_end()

    released = asyncio.Event()
    dispatch = limited(connections=1, wait=5.0)
    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        first = asyncio.ensure_future(one(pool, dispatch))
        await upstream.until(lambda: upstream.connections == 1)
        second = asyncio.ensure_future(one(pool, dispatch))
        await upstream.until(lambda: pool.counters().waiting == 1)
        released.set()
        with pytest.raises(Refusal, match="upstream_reset"):
            await first
        assert await second == b"ok"


async def test_who_leaves_in_the_moment_of_being_served_passes_it_on():
    dispatch = limited(connections=1, waiting=100, wait=5.0)
    dice = random.Random(7)
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        for _ in range(20):
            tasks = [asyncio.ensure_future(one(pool, dispatch)) for _ in range(6)]
            await asyncio.sleep(dice.random() * 0.01)
            for task in tasks[::2]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(result == b"ok" for result in results[1::2])
        counters = pool.counters()
        assert counters.waiting == 0
        assert counters.open == counters.idle <= 1
        assert pool._connecting == 0


async def test_a_connection_handed_to_who_has_just_left_is_kept():
    dispatch = limited(connections=1, wait=5.0)
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        await one(pool, dispatch)
        taken = pool.reuse()
        waiting = asyncio.ensure_future(one(pool, dispatch))
        await asyncio.sleep(0)
        assert pool.counters().waiting == 1
        pool.release(taken)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pool.counters().idle == 1
        assert await one(pool, dispatch) == b"ok"
        assert upstream.connections == 1


async def test_bounds_are_read_at_each_use():
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        await asyncio.gather(*[one(pool, limited(connections=2, wait=5.0)) for _ in range(4)])
        assert upstream.connections == 2
        await asyncio.gather(*[one(pool, limited(connections=4, wait=5.0)) for _ in range(8)])
        assert upstream.connections == 4


async def test_a_retired_pool_keeps_nothing_but_finishes_what_runs():
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        await one(pool, DISPATCH)
        running = asyncio.ensure_future(one(pool, DISPATCH))
        await asyncio.sleep(0)
        pool.retire()
        assert await running == b"ok"
        assert pool.counters().open == 0
        await upstream.until_idle()
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await one(pool, DISPATCH)


async def test_a_place_that_cannot_connect_says_why_until_it_can():
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        port, pool.origin = pool.origin, msgspec.structs.replace(pool.origin, port=1)
        with pytest.raises(Refusal):
            await one(pool, DISPATCH)
        assert pool.failing
        pool.origin = port
        assert await one(pool, DISPATCH) == b"ok"
        assert pool.failing == ""
