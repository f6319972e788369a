"""What a hostile or broken upstream may say, byte by byte, and what becomes of it (P-4 … P-7, P-14, P-30)."""

import asyncio

import pytest
from tests.hostile.scripted import Upstream, ask, content, pool_to, says

from triplegate.core.errors import Refusal

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = OK + b"Content-Length: 2\r\n\r\nok"

MALFORMED = {
    "length-and-coding": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-and-length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two-lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "two-different-lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length-list": OK + b"Content-Length: 2, 2\r\n\r\nok",
    "length-plus": OK + b"Content-Length: +2\r\n\r\nok",
    "length-minus": OK + b"Content-Length: -2\r\n\r\nok",
    "length-hex": OK + b"Content-Length: 0x2\r\n\r\nok",
    "length-underscore": OK + b"Content-Length: 1_0\r\n\r\nok",
    "length-empty": OK + b"Content-Length: \r\n\r\nok",
    "length-huge": OK + b"Content-Length: 99999999999999999999\r\n\r\nok",
    "coding-gzip-chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding-twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "coding-two-lines": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-identity": OK + b"Transfer-Encoding: identity\r\n\r\nok",
    "coding-unknown": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding-vertical-tab": OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding-on-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "version-2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "version-0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "version-1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "not-http": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "http2-preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "lower-case-protocol": b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "status-two-digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status-four-digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status-letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "status-000": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "status-099": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "status-999": b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
    "bare-lf-lines": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "space-before-colon": OK + b"Content-Length : 2\r\n\r\nok",
    "folded-line": OK + b"A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nok",
    "name-empty": OK + b": 1\r\nContent-Length: 2\r\n\r\nok",
    "name-non-ascii": OK + b"A\x80: 1\r\nContent-Length: 2\r\n\r\nok",
    "name-parenthesis": OK + b"A(b): 1\r\nContent-Length: 2\r\n\r\nok",
    "no-colon": OK + b"Nonsense\r\nContent-Length: 2\r\n\r\nok",
    "value-nul": OK + b"A: x\x00y\r\nContent-Length: 2\r\n\r\nok",
    "value-bare-cr": OK + b"A: x\ry\r\nContent-Length: 2\r\n\r\nok",
    "value-control": OK + b"A: x\x01y\r\nContent-Length: 2\r\n\r\nok",
    "header-flood": OK + b"".join(b"A%d: 1\r\n" % n for n in range(101)) + b"Content-Length: 2\r\n\r\nok",
    "huge-field": OK + b"A: " + b"x" * 70_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    "endless-field": OK + b"A: " + b"x" * 70_000,
    "endless-status-line": b"HTTP/1.1 200 " + b"x" * 70_000,
    "endless-interim": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2_000,
    "interim-with-length": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\nabc" + GOOD,
    "continue-with-length": b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc" + GOOD,
    "unasked-101": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw",
    "101-without-upgrade": b"HTTP/1.1 101 Switching\r\n\r\nraw",
}

BROKEN_CHUNKS = {
    "size-bare-lf": b"5\nhello\r\n0\r\n\r\n",
    "size-plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size-minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size-underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "size-0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size-overflow": b"FFFFFFFFFFFFFFFFF\r\nhello",
    "size-empty": b"\r\nhello\r\n0\r\n\r\n",
    "size-space": b"5 \r\nhello\r\n0\r\n\r\n",
    "size-letter": b"g\r\nhello\r\n0\r\n\r\n",
    "terminator-wrong": b"5\r\nhelloXX0\r\n\r\n",
    "terminator-bare-lf": b"5\r\nhello\n0\r\n\r\n",
    "extension-flood": b"5;a=" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n",
    "extension-on-each": (b"1;a=" + b"x" * 200 + b"\r\nh\r\n") * 200 + b"0\r\n\r\n",
    "trailer-flood": b"5\r\nhello\r\n0\r\n" + b"".join(b"T%d: %b\r\n" % (n, b"x" * 200) for n in range(100)) + b"\r\n",
    "trailer-length": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "trailer-injection": b"5\r\nhello\r\n0\r\nA: x\x00\r\n\r\n",
}


async def refused(message: bytes, code: str, *, close: bool = False, method: str = "GET") -> None:
    async with Upstream(says(message, close=close)) as upstream, pool_to(upstream) as pool:
        with pytest.raises(Refusal) as caught:
            await content(await ask(pool, method))
        assert caught.value.code == code
        assert pool.counters().open == 0
        await upstream.until_idle()


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_head_is_refused_and_its_connection_closed(message):
    await refused(message, "upstream_malformed")


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
async def test_a_malformed_chunk_ends_the_reply_visibly(chunks):
    await refused(CHUNKED + chunks, "upstream_malformed")


CUT = {
    "nothing": b"",
    "half-a-status-line": b"HTTP/1.1 20",
    "half-a-head": OK + b"Content-Length: 5\r\n",
    "no-content": OK + b"Content-Length: 5\r\n\r\n",
    "half-the-content": OK + b"Content-Length: 5\r\n\r\nhel",
    "all-but-one": OK + b"Content-Length: 5\r\n\r\nhell",
    "inside-a-chunk": CHUNKED + b"5\r\nhel",
    "between-chunks": CHUNKED + b"5\r\nhello\r\n",
    "before-the-last-crlf": CHUNKED + b"5\r\nhello\r\n0\r\n",
    "inside-trailers": CHUNKED + b"5\r\nhello\r\n0\r\nA: ",
    "after-an-interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("message", CUT.values(), ids=CUT)
async def test_a_reply_cut_short_never_ends_cleanly(message):
    await refused(message, "upstream_reset", close=True)


async def test_what_came_before_the_cut_is_still_given():
    async with Upstream(says(OK + b"Content-Length: 5\r\n\r\nhel", close=True)) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        frames = reply.frames
        assert await anext(frames) == b"hel"
        assert not frames.done
        with pytest.raises(Refusal, match="upstream_reset"):
            await anext(frames)
        assert not frames.done


UNCLEAN = {
    "bytes-behind": GOOD + b"HTTP/1.1",
    "second-reply": GOOD + GOOD,
    "garbage-behind": GOOD + b"\x00\x01",
    "content-with-204": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "chunk-end-with-204": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "content-with-304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
    "bytes-behind-close": OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nokHTTP/1.1 200 OK",
    "bytes-behind-chunks": CHUNKED + b"2\r\nok\r\n0\r\n\r\nX",
}


@pytest.mark.parametrize("message", UNCLEAN.values(), ids=UNCLEAN)
async def test_a_connection_with_unread_bytes_is_never_used_again(message):
    async with Upstream(says(message, GOOD)) as upstream, pool_to(upstream) as pool:
        first = await ask(pool)
        assert await content(first) in (b"ok", b"")
        second = await ask(pool)
        assert second.status == first.status
        await content(second)
        assert upstream.connections == 2


HEAD_BODIES = {
    "content": OK + b"Content-Length: 5\r\n\r\nhello",
    "chunks": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "last-chunk": CHUNKED + b"0\r\n\r\n",
    "half-a-chunk-line": CHUNKED + b"5",
    "a-blank-line": OK + b"Content-Length: 0\r\n\r\n\r\n\r\n",
}


@pytest.mark.parametrize("message", HEAD_BODIES.values(), ids=HEAD_BODIES)
async def test_a_body_in_a_reply_to_head_is_not_taken_for_the_next_reply(message):
    async with Upstream(says(message)) as upstream, pool_to(upstream) as pool:
        for _ in range(2):
            reply = await ask(pool, "HEAD")
            assert reply.status == 200
            assert reply.frames.done
            assert await content(reply) == b""
        assert upstream.connections == 2


async def test_head_keeps_its_length_and_its_connection():
    head = OK + b"Content-Length: 5\r\n\r\n"
    async with Upstream(says(head, head, GOOD)) as upstream, pool_to(upstream) as pool:
        for _ in range(2):
            reply = await ask(pool, "HEAD")
            assert (b"content-length", b"5") in reply.headers
            assert reply.frames.done
        assert await content(await ask(pool)) == b"ok"
        assert upstream.connections == 1


async def test_bytes_that_nobody_asked_for_close_an_idle_connection():
    idle = asyncio.Event()

    async def script(talk):
        await talk.head()
        await talk.say(GOOD)
        await idle.wait()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        assert await content(await ask(pool)) == b"ok"
        assert pool.counters().idle == 1
        idle.set()
        await upstream.until_idle()
        assert pool.counters().idle == 0
        assert await content(await ask(pool)) == b"ok"
        assert upstream.connections == 2


async def test_nothing_asked_for_cannot_be_smuggled_into_the_next_reply():
    """Two replies to one request in one segment: the second is never anybody's."""
    async with Upstream(says(GOOD + OK + b"Content-Length: 4\r\n\r\nevil")) as upstream, pool_to(upstream) as pool:
        for _ in range(5):
            assert await content(await ask(pool)) == b"ok"
        assert upstream.connections == 5
