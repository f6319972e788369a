"""Slow, silent and vanishing upstreams: every wait has a bound, says which, and leaves nothing open (F-4, F-7)."""

import asyncio
import contextlib
import os
import random
import socket

import msgspec
import pytest
from tests.hostile.scripted import DISPATCH, Pieces, Stopwatch, Upstream, ask, content, pool_to, says

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.pool import Pool, PoolLimits
from triplegate.upstreams.supervisor import TaskSupervisor

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def within(**seconds):
    return msgspec.structs.replace(DISPATCH, **seconds)


async def silent(talk):
    await talk.read_to_end()


async def refusal_of(awaitable) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


async def test_an_upstream_that_never_answers_times_out_on_the_first_byte():
    async with Upstream(silent) as upstream, pool_to(upstream) as pool:
        with Stopwatch() as watch:
            refusal = await refusal_of(ask(pool, dispatch=within(first_byte=0.2)))
        assert refusal.code == "upstream_timeout"
        assert refusal.reason.startswith("first byte")
        assert 0.19 <= watch.seconds <= 1.5
        assert pool.counters().open == 0
        await upstream.until_idle()


async def test_a_stall_within_the_content_times_out_as_idle():
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, dispatch=within(idle=0.2))
        assert await anext(reply.frames) == b"half"
        with Stopwatch() as watch:
            refusal = await refusal_of(anext(reply.frames))
        assert refusal.reason.startswith("idle")
        assert 0.19 <= watch.seconds <= 1.5
        await upstream.until_idle()


async def test_bytes_that_trickle_keep_the_idle_clock_but_not_the_total_one():
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                await talk.say(b".")
                await asyncio.sleep(0.05)

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        with Stopwatch() as watch:
            reply = await ask(pool, dispatch=within(idle=0.2, total=0.5))
            refusal = await refusal_of(content(reply))
        assert refusal.reason.startswith("total")
        assert 0.49 <= watch.seconds <= 1.5
        await upstream.until_idle()


def events(pause, until_silent=1 << 30):
    """A stream of events: one each `pause` seconds, silent after so many."""

    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(until_silent):
                await talk.say(b"data: .\n\n")
                await asyncio.sleep(pause)
        await talk.read_to_end()

    return script


async def test_p31_a_stream_of_events_outlives_the_total_time_and_ends_only_by_silence():
    async with Upstream(events(0.05, until_silent=14)) as upstream, pool_to(upstream) as pool:
        with Stopwatch() as watch:
            reply = await ask(pool, dispatch=within(idle=0.4, total=0.3, stream=float("inf")))
            refusal = await refusal_of(content(reply))
        assert refusal.reason.startswith("idle")
        assert watch.seconds >= 1.0
        await upstream.until_idle()


async def test_a_stream_of_events_lives_no_longer_than_it_was_given():
    async with Upstream(events(0.02)) as upstream, pool_to(upstream) as pool:
        with Stopwatch() as watch:
            reply = await ask(pool, dispatch=within(idle=0.4, total=0.2, stream=0.5))
            refusal = await refusal_of(content(reply))
        assert refusal.reason.startswith("total")
        assert watch.seconds >= 0.49
        reply = await ask(pool, dispatch=within(idle=0.4, total=0.2))
        assert (await refusal_of(content(reply))).reason.startswith("total")
        await upstream.until_idle()


async def test_a_head_that_trickles_still_meets_the_first_byte_bound():
    async def script(talk):
        await talk.head()
        with contextlib.suppress(ConnectionError):
            for byte in b"HTTP/1.1 200 OK\r\nA: " + b"x" * 1000:
                await talk.say(bytes([byte]))
                await asyncio.sleep(0.02)

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        refusal = await refusal_of(ask(pool, dispatch=within(first_byte=0.2)))
        assert refusal.reason.startswith("first byte")
        await upstream.until_idle()


async def test_the_callers_deadline_wins_when_it_is_earlier():
    async with Upstream(silent) as upstream, pool_to(upstream) as pool:
        with Stopwatch() as watch:
            refusal = await refusal_of(ask(pool, deadline=pool.now() + 0.15))
        assert refusal.reason.startswith("total")
        assert watch.seconds <= 1.0


async def test_a_slow_client_is_not_the_upstreams_fault():
    """Nobody waits for the upstream while the client is slow, so its idle clock stands still."""
    async with (
        Upstream(says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", b"")) as upstream,
        pool_to(upstream) as pool,
    ):
        reply = await ask(pool, dispatch=within(idle=0.1))
        await asyncio.sleep(0.3)
        assert await anext(reply.frames) == b"ab"
        refusal = await refusal_of(anext(reply.frames))
        assert refusal.reason.startswith("idle")


async def test_an_upstream_that_does_not_read_times_out_on_the_write():
    async def script(talk):
        await talk.head()
        talk.writer.transport.pause_reading()
        await asyncio.sleep(30)

    async def endless():
        while True:
            yield b"x" * 65536

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        with Stopwatch() as watch:
            refusal = await refusal_of(ask(pool, "POST", Pieces(endless()), within(idle=0.3, first_byte=0.3)))
        assert refusal.reason.startswith("write")
        assert watch.seconds <= 3.0
        assert pool.counters().open == 0


@pytest.fixture
def blackhole():
    """A listening port whose queue is full: the kernel drops further connection attempts."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_connect_that_is_not_answered_times_out_as_connect(blackhole):
    supervisor = TaskSupervisor()
    pool = Pool(Origin("http", "127.0.0.1", blackhole), supervisor)
    with Stopwatch() as watch:
        refusal = await refusal_of(ask(pool, dispatch=within(connect=0.3)))
    assert refusal.code == "upstream_timeout"
    assert refusal.reason.startswith("connect")
    assert 0.29 <= watch.seconds <= 1.5
    assert pool.counters().open == 0
    pool.close()


async def test_a_dead_port_is_unreachable_at_once():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        pool = Pool(Origin("http", "127.0.0.1", port), TaskSupervisor())
        with Stopwatch() as watch:
            refusal = await refusal_of(ask(pool))
        assert refusal.code == "upstream_unreachable"
        assert watch.seconds <= 1.0
        pool.close()


async def test_the_queue_for_a_connection_is_bounded_in_time_and_length():
    limits = PoolLimits(connections=1, waiting=1, wait=0.2)
    dispatch = within(tuned={"pool": limits})
    async with Upstream(silent) as upstream, pool_to(upstream) as pool:
        holder = asyncio.ensure_future(ask(pool, dispatch=dispatch))
        await upstream.until(lambda: upstream.connections == 1)
        with Stopwatch() as watch:
            waiting = asyncio.ensure_future(refusal_of(ask(pool, dispatch=dispatch)))
            await asyncio.sleep(0)
            full = await refusal_of(ask(pool, dispatch=dispatch))
            late = await waiting
        assert full.code == late.code == "upstream_busy"
        assert "wait already" in full.reason
        assert 0.19 <= watch.seconds <= 1.5
        assert pool.counters().waiting == 0
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder


async def test_a_cancelled_request_closes_its_upstream_at_once():
    async with Upstream(silent) as upstream, pool_to(upstream) as pool:
        task = asyncio.ensure_future(ask(pool))
        await upstream.until(lambda: upstream.connections == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pool.counters().open == 0
        with Stopwatch() as watch:
            await upstream.until_idle()
        assert watch.seconds <= 1.0


async def test_closing_the_frames_closes_the_upstream_at_once_and_only_once():
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\nstart")
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert await anext(reply.frames) == b"start"
        reply.frames.close()
        assert pool.counters().open == 0
        await upstream.until_idle(1.0)
        reply.frames.close()
        with pytest.raises(StopAsyncIteration):
            await anext(reply.frames)


async def test_a_late_close_never_touches_the_connections_next_user():
    closed = asyncio.Event()

    async def script(talk):
        await talk.head()
        await talk.say(GOOD)
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await closed.wait()
        await talk.say(b"cd")
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        first = await ask(pool)
        assert await content(first) == b"ok"
        second = await ask(pool)
        assert upstream.connections == 1
        first.frames.close()
        with pytest.raises(StopAsyncIteration):
            await anext(first.frames)
        closed.set()
        assert await content(second) == b"abcd"


async def test_a_thousand_cuts_leave_no_connection():
    """The upstream cuts, or we close, at a random place of the reply."""
    body = os.urandom(20_000)
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    codes: set[str] = set()
    message = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + body

    async def script(talk):
        while True:
            await talk.head()
            place = dice.randrange(len(message) + 5_000)
            await talk.say(message[:place])
            if place < len(message):
                talk.reset() if dice.random() < 0.5 else talk.writer.close()
                return

    async def one(pool):
        try:
            reply = await ask(pool)
            received = b""
            async for frame in reply.frames:
                received += frame
                assert body.startswith(received), seed
                if dice.random() < 0.1:
                    reply.frames.close()
                    return
            assert received == body, seed
        except Refusal as refusal:
            codes.add(refusal.code)

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        for _ in range(50):
            await asyncio.gather(*(one(pool) for _ in range(20)))
        assert codes == {"upstream_reset"}, seed
        assert pool.counters().open == pool.counters().idle
        pool.close()
        await upstream.until_idle(1.0)


async def test_closing_the_pool_ends_everything():
    async with Upstream(silent) as upstream, pool_to(upstream) as pool:
        dispatch = within(tuned={"pool": PoolLimits(connections=2)})
        tasks = [asyncio.ensure_future(refusal_of(ask(pool, dispatch=dispatch))) for _ in range(3)]
        await upstream.until(lambda: upstream.connections == 2)
        pool.close()
        codes = sorted([(await task).code for task in tasks])
        assert codes == ["upstream_reset", "upstream_reset", "upstream_unreachable"]
        await upstream.until_idle(1.0)
        assert (await refusal_of(ask(pool))).code == "upstream_unreachable"


async def test_an_idle_connection_expires():
    async with Upstream(says(GOOD)) as upstream, pool_to(upstream) as pool:
        await content(await ask(pool, dispatch=within(tuned={"pool": PoolLimits(idle=0.2)})))
        assert pool.counters().idle == 1
        with Stopwatch() as watch:
            await upstream.until_idle()
        assert 0.15 <= watch.seconds <= 1.5
        assert pool.counters().open == 0


async def test_the_upstreams_own_keep_alive_hint_is_honoured():
    hinted = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=100\r\nContent-Length: 2\r\n\r\nok"
    async with Upstream(says(hinted, hinted)) as upstream, pool_to(upstream) as pool:
        await content(await ask(pool))
        assert pool.counters().open == 0, "a connection that would close within a second is not kept"
        await upstream.until_idle()


async def test_a_body_that_the_client_breaks_off_aborts_the_upstream_request():
    async def breaking():
        yield b"one"
        await asyncio.sleep(0.01)
        raise Refusal("body_timeout", "The body did not arrive in time.")

    async def script(talk):
        await talk.head()
        await talk.read_to_end()
        assert b"0\r\n\r\n" not in talk.received

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        refusal = await refusal_of(ask(pool, "POST", Pieces(breaking())))
        assert refusal.code == "body_timeout"
        await upstream.until_idle()


async def test_a_reply_to_a_request_with_a_body_waits_from_the_bodys_end():
    """An upload longer than the first-byte bound is no timeout."""

    async def slow():
        for _ in range(5):
            yield b"x"
            await asyncio.sleep(0.1)

    async def script(talk):
        await talk.head()
        while not talk.received.endswith(b"0\r\n\r\n"):
            await talk.read(1)
        await talk.say(GOOD)
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        assert await content(await ask(pool, "POST", Pieces(slow()), within(first_byte=0.2))) == b"ok"
        refusal = await refusal_of(ask(pool, "POST", BytesBody(b"x"), within(first_byte=0.2)))
        assert refusal.reason.startswith("first byte")
