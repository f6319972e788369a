"""One connection: what comes together is there together, and nobody drowns whoever is slow."""

import asyncio
import tracemalloc

import pytest
from tests.hostile.scripted import Pieces, Upstream, ask, content, pool_to, says

from triplegate.core.errors import Refusal
from triplegate.upstreams.http1 import HIGH_MARK

OK = b"HTTP/1.1 200 OK\r\n"
MEGA = 1024 * 1024


async def test_done_comes_with_the_last_bytes_so_that_one_send_ends_it():
    async with Upstream(says(OK + b"Content-Length: 5\r\n\r\nhello")) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert reply.frames.ready
        assert not reply.frames.done
        assert await anext(reply.frames) == b"hello"
        assert reply.frames.done


async def test_an_empty_reply_is_done_before_it_is_read():
    async with Upstream(says(OK + b"Content-Length: 0\r\n\r\n")) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert reply.frames.done
        assert pool.counters().idle == 1


async def test_chunks_that_come_together_are_one_frame_with_their_end():
    message = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nGrpc-Status: 0\r\n\r\n"
    async with Upstream(says(message)) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert await anext(reply.frames) == b"hello"
        assert reply.frames.done
        assert reply.trailers == [(b"grpc-status", b"0")]


async def test_the_connection_is_free_as_soon_as_the_reply_is_here_whoever_reads_it():
    async with Upstream(says(OK + b"Content-Length: 5\r\n\r\nhello")) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert pool.counters().idle == 1
        assert await content(reply) == b"hello"


async def test_content_until_the_end_of_the_connection():
    async with Upstream(says(OK + b"\r\nall of it", close=True)) as upstream, pool_to(upstream) as pool:
        assert await content(await ask(pool)) == b"all of it"
        assert pool.counters().open == 0


async def test_content_until_a_reset_is_not_whole():
    async def script(talk):
        await talk.head()
        await talk.say(OK + b"\r\npart")
        await seen.wait()
        talk.writer.transport.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: RST
        talk.reset()

    seen = asyncio.Event()
    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert await anext(reply.frames) == b"part"
        seen.set()
        with pytest.raises(Refusal, match="upstream_reset"):
            await anext(reply.frames)


async def test_a_frame_is_there_before_the_next_one_is_sent():
    """The upstream sends chunk 2 only after we hold chunk 1."""
    seen = asyncio.Event()

    async def script(talk):
        await talk.head()
        await talk.say(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await seen.wait()
        await talk.say(b"1\r\nb\r\n0\r\n\r\n")
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert await anext(reply.frames) == b"a"
        assert not reply.frames.ready
        seen.set()
        assert await content(reply) == b"b"


async def test_a_reader_that_is_slow_stops_the_upstream():
    sent = 0

    async def script(talk):
        nonlocal sent
        await talk.head()
        await talk.say(OK + b"Content-Length: %d\r\n\r\n" % (50 * MEGA))
        for _ in range(50 * 16):
            await talk.say(b"x" * (MEGA // 16))
            sent += MEGA // 16
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        before = -1
        while before != sent:  # until the kernel's buffers are full and nothing moves any more
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 16 * MEGA
        tracemalloc.start()
        received = largest = 0
        async for frame in reply.frames:
            received += len(frame)
            largest = max(largest, len(frame))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert received == 50 * MEGA
        assert largest <= HIGH_MARK + 256 * 1024
        assert peak < 8 * MEGA
        assert pool.counters().idle == 1


async def test_an_upstream_that_is_slow_stops_the_client():
    go = asyncio.Event()
    total = 50 * MEGA

    async def script(talk):
        await talk.head()
        talk.writer.transport.pause_reading()
        await go.wait()
        talk.writer.transport.resume_reading()
        left = total
        while left:
            left -= len(await talk.reader.read(65536))
        await talk.say(OK + b"Content-Length: 2\r\n\r\nok")
        await talk.read_to_end()

    async def pieces():
        for _ in range(total // 65536):
            yield b"x" * 65536

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        body = Pieces(pieces(), total)
        task = asyncio.ensure_future(ask(pool, "POST", body))
        before = -1
        while before != body.given or not body.given:
            before = body.given
            await asyncio.sleep(0.1)
        assert body.given < 16 * MEGA
        tracemalloc.start()
        go.set()
        assert await content(await task) == b"ok"
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * MEGA
        assert body.given == total
        assert pool.counters().idle == 1


async def test_interim_replies_are_handed_on_and_are_not_the_reply():
    seen = []
    message = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"
    async with Upstream(says(message)) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, on_informational=lambda status, headers: seen.append((status, headers)))
        assert await content(reply) == b"ok"
        assert seen == [(103, [(b"link", b"</a>")])]
        assert (b"link", b"</a>") not in reply.headers
        assert pool.counters().idle == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        OK + b"Content-Length: 0\r\n\r\n",
    ],
)
async def test_a_reply_without_content_leaves_its_connection_usable(message, method):
    async with Upstream(says(message, message, message)) as upstream, pool_to(upstream) as pool:
        for _ in range(3):
            assert await content(await ask(pool, method)) == b""
        assert upstream.connections == 1
