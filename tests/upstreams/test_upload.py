"""Request bodies that come piece by piece, and upstreams that do not wait for them."""

import asyncio

import pytest
from tests.hostile.scripted import Pieces, Upstream, ask, content, pool_to

from triplegate.core.errors import Refusal
from triplegate.upstreams.supervisor import TaskSupervisor

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def echo(talk):
    """Answer with the request's whole body, however it is framed."""
    while True:
        head = await talk.head()
        assert (b"content-length:" in head) != (b"transfer-encoding: chunked" in head)
        if b"content-length:" in head:
            size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await talk.read(size)
        else:
            body = b""
            while size := int(await talk.reader.readline(), 16):
                body += await talk.read(size)
                assert await talk.read(2) == b"\r\n"
            assert await talk.read(2) == b"\r\n"
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize("pieces", [[], [b"one"], [b"one", b"two"], [b"", b"one", b"", b"two" * 100_000, b"3"]])
@pytest.mark.parametrize("known", [True, False])
async def test_a_body_arrives_as_it_was_sent_and_the_connection_is_kept(pieces, known):
    whole = b"".join(pieces)
    async with Upstream(echo) as upstream, pool_to(upstream) as pool:
        for _ in range(3):
            body = Pieces(pieces, len(whole) if known else None)
            assert await content(await ask(pool, "POST", body)) == whole
        assert upstream.connections == 1


async def test_a_body_in_one_piece_needs_no_task():
    supervisor = TaskSupervisor(limit=0)
    async with Upstream(echo) as upstream, pool_to(upstream) as pool:
        pool._supervisor = supervisor
        assert await content(await ask(pool, "POST", Pieces([b"whole"], 5))) == b"whole"
        with pytest.raises(Refusal, match="overloaded"):
            await ask(pool, "POST", Pieces([b"one", b"two"], 6))
        assert pool.counters().open == 0


@pytest.mark.parametrize("pieces", [[b"ab"], [b"a", b"b", b"c", b"d"]])
async def test_a_body_of_another_length_than_announced_is_never_completed(pieces):
    async def script(talk):
        await talk.head()
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        with pytest.raises(Refusal, match="internal"):
            await ask(pool, "POST", Pieces(pieces, 3))
        assert pool.counters().open == 0 or not upstream.connections


async def test_an_early_answer_is_relayed_while_the_body_still_comes():
    """413 at 1 KiB of an endless body: the answer is there, the rest is not sent, nothing is used again (P-16)."""

    async def script(talk):
        await talk.head()
        await talk.read(1024)
        await talk.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await talk.read_to_end()

    async def endless():
        while True:
            yield b"x" * 512
            await asyncio.sleep(0.005)

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        body = Pieces(endless())
        reply = await ask(pool, "POST", body)
        assert reply.status == 413
        assert await content(reply) == b"big"
        assert pool.counters().open == 0
        await upstream.until_idle()
        given = body.given
        await asyncio.sleep(0.05)
        assert body.given == given, "nobody reads the client's body any more"


async def test_an_answer_may_begin_before_the_body_ends_and_both_go_on():
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (size := int(await talk.reader.readline(), 16)) > 0:
            piece = await talk.read(size + 2)
            await talk.say(b"%x\r\n%b" % (size, piece))
        await talk.read(2)
        await talk.say(b"0\r\n\r\n")
        await talk.read_to_end()

    turn = asyncio.Queue()

    async def pieces():
        yield b"first"
        while (piece := await turn.get()) is not None:
            yield piece

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, "POST", Pieces(pieces()))
        assert await anext(reply.frames) == b"first"
        for word in (b"second", b"third"):
            turn.put_nowait(word)
            assert await anext(reply.frames) == word
        turn.put_nowait(None)
        assert await content(reply) == b""
        assert pool.counters().idle == 1


async def test_a_client_may_wait_for_the_answers_head_before_it_sends_anything():
    heard = asyncio.Event()

    async def pieces():
        await heard.wait()
        yield b"hello"

    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert await talk.read(15) == b"5\r\nhello\r\n0\r\n\r\n"
        await talk.say(b"0\r\n\r\n")
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, "POST", Pieces(pieces()))
        heard.set()
        assert await content(reply) == b""
        assert pool.counters().idle == 1


async def test_expect_waits_for_the_continue():
    async def script(talk):
        head = await talk.head()
        assert b"expect: 100-continue\r\n" in head
        assert body.given == 0
        await talk.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await talk.read(3) == b"abc"
        await talk.say(OK)
        await talk.read_to_end()

    body = Pieces([b"abc"], 3)
    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, "POST", body, headers=[(b"expect", b"100-continue")])
        assert await content(reply) == b"ok"
        assert pool.counters().idle == 1


async def test_expect_with_a_final_answer_sends_no_body():
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        assert not (await talk.reader.read())

    body = Pieces([b"secret"], 6)
    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, "POST", body, headers=[(b"expect", b"100-continue")])
        assert reply.status == 401
        assert await content(reply) == b"no"
        assert not body.started
        assert pool.counters().open == 0
        await upstream.until_idle()


async def test_expect_does_not_wait_for_ever():
    async def script(talk):
        await talk.head()
        assert await talk.read(3) == b"abc"
        await talk.say(OK)
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, "POST", Pieces([b"abc"], 3), headers=[(b"expect", b"100-continue")])
        assert await content(reply) == b"ok"


async def test_a_connection_that_closes_while_the_client_dawdles_is_replaced():
    """Nothing was sent yet, so nothing is sent twice, POST or not."""
    hold = asyncio.Event()

    async def script(talk):
        await talk.head()
        if talk.number == 2:
            await talk.read(3)
        await talk.say(OK)
        if talk.number == 1:
            await hold.wait()
        else:
            await talk.read_to_end()

    async def dawdling():
        hold.set()
        await upstream.until(lambda: pool.counters().open == 0)
        yield b"abc"

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        await content(await ask(pool))
        assert await content(await ask(pool, "POST", Pieces(dawdling(), 3))) == b"ok"
        assert upstream.connections == 2


@pytest.mark.parametrize("length", [None, 1 << 40])
async def test_an_early_answer_survives_the_reset_that_follows_it(length):
    """The upstream answers and closes with most of the body unread, which makes the kernel reset the connection."""

    async def script(talk):
        await talk.head()
        await talk.read(1024)
        await talk.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")

    async def endless():
        while True:
            yield b"x" * 65536

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        for _ in range(20):
            reply = await ask(pool, "POST", Pieces(endless(), length))
            assert reply.status == 413
            assert await content(reply) == b"big"
        assert upstream.connections == 20
