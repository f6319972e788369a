"""The network between us and the upstream breaks in each way it can (F-3, F-4)."""

import asyncio

import msgspec
import pytest
from tests.faults import FaultProxy, Faults
from tests.hostile.scripted import DISPATCH, Stopwatch, Upstream, ask, content, pool_to

from triplegate.core.errors import Refusal

BODY = b"0123456789" * 10_000
SHORT = msgspec.structs.replace(DISPATCH, first_byte=0.3, idle=0.3)


async def serving(talk):
    while True:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))


async def outcome(faults, dispatch=SHORT, seconds=5.0):
    """What one GET through the faults gives: its body, or the refusal's code and reason."""
    async with Upstream(serving) as upstream:
        async with FaultProxy("127.0.0.1", upstream.port, faults) as proxy, pool_to(proxy) as pool:
            try:
                async with asyncio.timeout(seconds):
                    found = await content(await ask(pool, dispatch=dispatch))
            except Refusal as refusal:
                found = f"{refusal.code}: {refusal.reason}"
        await upstream.until_idle()
    return found


@pytest.mark.parametrize("faults", [Faults(), Faults(piece=997), Faults(latency=0.02), Faults(rate=2_000_000)])
async def test_a_slow_network_changes_nothing_but_the_time(faults):
    assert await outcome(faults) == BODY


async def test_a_network_of_single_bytes_changes_nothing():
    async with Upstream(single) as upstream:
        faults = Faults(piece=1)
        async with FaultProxy("127.0.0.1", upstream.port, faults) as proxy, pool_to(proxy) as pool:
            for _ in range(3):
                assert await content(await ask(pool)) == b"hello"
            assert proxy.accepted == 1


async def single(talk):
    while True:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")


@pytest.mark.parametrize("cut", [0, 1, 30, 60_000, len(BODY)])
async def test_a_reply_that_is_truncated_or_reset_is_told(cut):
    for faults in (Faults(truncate=cut), Faults(reset=cut)):
        assert (await outcome(faults)).startswith("upstream_reset")


@pytest.mark.parametrize("faults", [Faults(blackhole=True), Faults(half_open="up"), Faults(half_open="down")])
async def test_a_silent_network_is_a_first_byte_timeout(faults):
    with Stopwatch() as watch:
        assert (await outcome(faults)).startswith("upstream_timeout: first byte")
    assert watch.seconds >= 0.29


async def test_packets_that_stop_in_the_middle_are_an_idle_timeout():
    async with Upstream(serving) as upstream:
        faults = Faults(piece=1000, rate=200_000)
        async with FaultProxy("127.0.0.1", upstream.port, faults) as proxy, pool_to(proxy) as pool:
            reply = await ask(pool, dispatch=SHORT)
            assert await anext(reply.frames)
            faults.half_open = "down"
            with pytest.raises(Refusal) as caught:
                await content(reply)
            assert caught.value.reason.startswith("idle")
            assert pool.counters().open == 0


async def test_a_close_that_comes_late_leaves_a_stale_connection_that_costs_nothing():
    async def once(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with Upstream(once) as upstream:
        faults = Faults(slow_close=0.3)
        async with FaultProxy("127.0.0.1", upstream.port, faults) as proxy, pool_to(proxy) as pool:
            for _ in range(3):
                assert await content(await ask(pool)) == b"ok"
            assert pool.counters().stale + upstream.connections >= 3


async def test_a_reset_of_everything_is_survived_by_the_next_call():
    async with Upstream(serving) as upstream, FaultProxy("127.0.0.1", upstream.port) as proxy, pool_to(proxy) as pool:
        for _ in range(3):
            await asyncio.gather(*[exactly(pool) for _ in range(5)])
            proxy.reset_all()
            await upstream.until(lambda: pool.counters().open == 0)
        await proxy.stop_listening()
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await ask(pool)


async def exactly(pool):
    assert await content(await ask(pool)) == BODY


async def test_a_refused_connection_is_a_reset():
    assert (await outcome(Faults(refuse=True))).startswith("upstream_reset")
