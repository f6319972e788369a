"""Places are counted before they are used, and nobody waits while one is free."""

import asyncio
import contextlib
import random
import socket

import msgspec
import pytest
from tests.hostile.scripted import DISPATCH, Upstream, ask, content, pool_to
from tests.upstreams.names import Fixed

from triplegate.core.errors import Refusal
from triplegate.upstreams.lookups import Address
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.places import PoolLimits
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor

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


# the queue ------------------------------------------------------------------------------------------------------
class Line:
    """One connection that is taken, and callers who queue for it one after the other."""

    def __init__(self, pool, bounds):
        self.pool, self.dispatch = pool, limited(connections=1, wait=5.0, **bounds)
        self.served = []

    async def call(self, number):
        try:
            await content(await ask(self.pool, dispatch=self.dispatch))
        finally:
            self.served.append(number)

    async def queue(self, numbers):
        tasks = []
        for number in numbers:
            tasks.append(asyncio.ensure_future(self.call(number)))
            async with asyncio.timeout(5):
                while self.pool.counters().waiting + 1 < len(tasks):
                    await asyncio.sleep(0)
        return tasks


@contextlib.asynccontextmanager
async def line(**bounds):
    go = asyncio.Event()

    async def script(talk):
        while True:
            await talk.head()
            await go.wait()
            await talk.say(OK)

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        made = Line(pool, bounds)
        made.go, made.upstream = go, upstream
        yield made


async def test_who_comes_first_is_served_first():
    async with line() as made:
        tasks = await made.queue(range(20))
        made.go.set()
        await asyncio.gather(*tasks)
        assert made.served == list(range(20))


async def test_who_leaves_the_queue_takes_nobodys_place_and_leaves_none_behind():
    async with line() as made:
        tasks = await made.queue(range(20))
        for number in (3, 7, 8, 19):
            tasks[number].cancel()
        await asyncio.wait([tasks[number] for number in (3, 7, 8, 19)])
        assert made.pool.counters().waiting == 15
        made.go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert made.served[4:] == [number for number in range(20) if number not in (3, 7, 8, 19)]
        assert made.upstream.connections == 1
        assert (made.pool.counters().idle, made.pool.counters().waiting) == (1, 0)


async def test_who_is_beyond_the_bound_is_told_at_once():
    async with line(waiting=3) as made:
        tasks = await made.queue(range(4))
        with pytest.raises(Refusal, match="upstream_busy"):
            await made.call(9)
        made.go.set()
        await asyncio.gather(*tasks)
        assert made.served == [9, 0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
async def test_any_mixture_of_calls_cancels_and_deaths_leaves_the_counts_right(seed):
    chance = random.Random(seed)

    async def script(talk):
        while True:
            await talk.head()
            await asyncio.sleep(0)
            if chance.random() < 0.2:
                return
            await talk.say(OK)

    dispatch = limited(connections=3, waiting=50, wait=5.0)
    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        tasks = []
        for _ in range(60):
            tasks.append(asyncio.ensure_future(one(pool, dispatch)))
            if chance.random() < 0.3:
                await asyncio.sleep(0)
                chance.choice(tasks).cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)
        counters = pool.counters()
        assert counters.waiting == 0
        assert pool._connecting == 0
        assert counters.open == counters.idle <= 3


# the end of a connection ----------------------------------------------------------------------------------------
async def test_a_connection_ends_after_so_many_requests():
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        for _ in range(7):
            assert await one(pool, limited(requests=3)) == b"ok"
        assert upstream.connections == 3


async def test_a_connection_that_is_too_old_takes_no_more_requests():
    now = 1000.0
    async with Upstream(serving) as upstream, pool_to(upstream, now=lambda: now) as pool:
        dispatch = limited(age=60.0, idle=500.0)
        for seconds in (0.0, 30.0, 31.0, 1.0):
            now += seconds
            assert await one(pool, dispatch) == b"ok"
        assert upstream.connections == 2


async def test_nothing_is_kept_when_told_so():
    async with Upstream(serving) as upstream, pool_to(upstream) as pool:
        for _ in range(2):
            assert await one(pool, limited(idle=0.0)) == b"ok"
        assert upstream.connections == 2


# several addresses ----------------------------------------------------------------------------------------------
class Town:
    """One name with several addresses of this machine, the same port at each."""

    def __init__(self, resolver, port):
        self.resolver, self.servers, self.calls = resolver, {}, {}
        self.port = port

    async def open(self, *hosts):
        for host in hosts:

            async def serve(reader, writer, host=host):
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    while True:
                        await reader.readuntil(b"\r\n\r\n")
                        self.calls[host] = self.calls.get(host, 0) + 1
                        writer.write(OK)
                        await writer.drain()
                writer.close()

            self.servers[host] = await asyncio.start_server(serve, host, self.port)

    def name(self, *hosts):
        self.resolver.rows = [Address(socket.AF_INET, (host, self.port)) for host in hosts]


@contextlib.asynccontextmanager
async def town(*hosts):
    supervisor, resolver = TaskSupervisor(), Fixed([])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Town(resolver, probe.getsockname()[1])
    await made.open(*hosts)
    made.name(*hosts)
    pool = made.pool = Pool(Origin("http", "town.test", made.port), supervisor, resolver=resolver)
    try:
        yield made
    finally:
        pool.close()
        await supervisor.close()
        for server in made.servers.values():
            server.close()


HERE, THERE, AWAY = "127.0.0.1", "127.0.0.2", "127.0.0.3"


async def test_calls_one_after_the_other_are_spread_over_the_addresses_of_a_name():
    async with town(HERE, THERE, AWAY) as made:
        for _ in range(12):
            assert await one(made.pool, DISPATCH) == b"ok"
        assert made.calls == {HERE: 4, THERE: 4, AWAY: 4}
        assert made.pool.counters().open == 3


async def test_an_address_that_is_gone_from_the_name_gets_no_more_calls():
    async with town(HERE, THERE) as made:
        for _ in range(4):
            await one(made.pool, DISPATCH)
        made.name(HERE)
        await made.pool.look_up()
        before = dict(made.calls)
        for _ in range(4):
            await one(made.pool, DISPATCH)
        assert (made.calls[HERE] - before[HERE], made.calls[THERE]) == (4, before[THERE])
        made.name(HERE, AWAY)
        await made.open(AWAY)
        await made.pool.look_up()
        for _ in range(4):
            await one(made.pool, DISPATCH)
        assert made.calls[AWAY] == 2


async def test_f27_a_name_server_that_is_away_changes_nothing():
    async with town(HERE, THERE) as made:
        await one(made.pool, DISPATCH)
        made.resolver.rows = OSError("away")
        await made.pool.look_up()
        for _ in range(4):
            assert await one(made.pool, DISPATCH) == b"ok"
        assert set(made.calls) == {HERE, THERE}


async def test_an_address_that_refuses_is_passed_over():
    async with town(HERE) as made:
        made.name(THERE, HERE)
        for _ in range(6):
            assert await one(made.pool, DISPATCH) == b"ok"
        assert made.calls == {HERE: 6}
        assert made.pool.counters().opened == 2
        assert made.pool.named
