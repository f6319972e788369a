"""An upstream's WebSocket: the handshake is checked, silence and size are bounded, and every end has a code."""

import asyncio
import contextlib

import pytest
from tests.hostile.scripted import DISPATCH, Upstream, pool_to

from triplegate.core.errors import Refusal
from triplegate.core.http import Message
from triplegate.upstreams.websocket import Bounds, open_websocket
from triplegate.wire.websocket import BINARY, PING, PONG, TEXT, Close, Control, Reader, accept_of, close_frame, frame

LAZY = Bounds(most=1000, idle=60.0, ping=0.0)


class Server:
    """The upstream's end: shakes hands, then reads frames and says bytes."""

    def __init__(self, talk):
        self.talk = talk
        self.reader = Reader(1 << 24, masked=True)
        self.events = []

    async def accept(self, extra=b"", accept=None):
        self.head = await self.talk.head()
        lines = dict(line.split(b": ", 1) for line in self.head.split(b"\r\n")[1:] if line)
        self.lines = lines
        accept = accept if accept is not None else accept_of(lines[b"sec-websocket-key"])
        head = b"HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        await self.talk.say(head + b"sec-websocket-accept: %b\r\n%b\r\n" % (accept, extra))

    async def next(self):
        """The client's next event; None at the end of the connection."""
        while not self.events:
            try:
                content = await self.talk.reader.read(65536)
            except ConnectionError:
                content = b""
            if not content:
                return None
            self.events += self.reader.feed(content)
        return self.events.pop(0)


@contextlib.asynccontextmanager
async def opened(play, bounds=LAZY, headers=()):
    """A socket to an upstream that has shaken hands and then plays."""

    async def script(talk):
        server = Server(talk)
        await server.accept()
        await play(server)

    async with asyncio.timeout(10), Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, bounds, headers)
        try:
            yield reply.frames
        finally:
            reply.frames.close()


async def ask(pool, bounds=LAZY, headers=()):
    return await open_websocket(pool, b"/ws", [(b"host", b"a"), *headers], DISPATCH, bounds, None)


async def test_a_handshake_is_made_here_and_nothing_of_the_clients_is_passed_on():
    seen = []

    async def play(server):
        seen.append(server)
        await server.next()

    client = [
        (b"sec-websocket-key", b"the client's own"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"sec-websocket-version", b"8"),
        (b"sec-websocket-protocol", b"a, b"),
    ]
    async with opened(play, headers=client):
        lines = seen[0].lines
    assert lines[b"sec-websocket-version"] == b"13"
    assert len(lines[b"sec-websocket-key"]) == 24
    assert lines[b"sec-websocket-protocol"] == b"a, b"
    assert b"sec-websocket-extensions" not in lines


@pytest.mark.parametrize(
    ("extra", "accept", "why"),
    [
        (b"", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Accept"),
        (b"sec-websocket-extensions: permessage-deflate\r\n", None, "extension"),
        (b"sec-websocket-protocol: c\r\n", None, "subprotocol"),
        (b"sec-websocket-protocol: a\r\nsec-websocket-protocol: b\r\n", None, "subprotocol"),
        (b"upgrade: h2c\r\n", None, "another protocol"),
    ],
)
async def test_p22_a_handshake_that_is_wrong_is_an_upstream_that_is_malformed(extra, accept, why):
    async def script(talk):
        await Server(talk).accept(extra, accept)
        assert await talk.read_to_end()

    async with asyncio.timeout(10), Upstream(script) as upstream, pool_to(upstream) as pool:
        with pytest.raises(Refusal) as caught:
            await ask(pool, headers=[(b"sec-websocket-protocol", b"a,b")])
        assert caught.value.code == "upstream_malformed"
        assert why in caught.value.reason
        while pool.counters().open:
            await asyncio.sleep(0)


async def test_an_offered_subprotocol_and_the_first_message_come_through():
    async def script(talk):
        server = Server(talk)
        await server.accept(b"sec-websocket-protocol: b\r\nx-more: 1\r\n")
        await talk.say(frame(TEXT, b"early"))
        await talk.read_to_end()

    async with asyncio.timeout(10), Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool, headers=[(b"sec-websocket-protocol", b"a"), (b"sec-websocket-protocol", b"b")])
        assert (b"sec-websocket-protocol", b"b") in reply.headers
        assert all(name != b"sec-websocket-accept" for name, _ in reply.headers)
        assert await reply.frames.receive() == Message(b"early", text=True)
        reply.frames.close()


async def test_another_status_is_an_ordinary_reply():
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 404 N\r\ncontent-length: 2\r\n\r\nno")

    async with asyncio.timeout(10), Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await ask(pool)
        assert (reply.status, [piece async for piece in reply.frames]) == (404, [b"no"])


async def test_messages_go_both_ways_and_pings_are_answered():
    async def play(server):
        await server.talk.say(frame(PING, b"?") + frame(BINARY, b"one") + frame(PONG, b"unasked"))
        assert await server.next() == Control(PONG, b"?")
        assert await server.next() == Message(b"two", text=True)
        await server.talk.say(close_frame(4001, "enough"))
        assert await server.next() == Close(4001, "")
        assert await server.next() is None

    async with opened(play) as socket:
        assert await socket.receive() == Message(b"one")
        await socket.send(Message(b"two", text=True))
        assert [message async for message in socket] == []
        assert socket.last == Close(4001, "enough")
        await socket.send(Message(b"late"))  # dropped


async def test_a_close_of_ours_waits_for_the_answer():
    async def play(server):
        assert await server.next() == Close(1000, "done")
        await server.talk.say(frame(TEXT, b"crossing") + close_frame(1000, ""))

    async with opened(play) as socket:
        socket.end(1000, "done")
        socket.end(1011, "again")
        assert await socket.receive() is None
        assert socket.last == Close(1000, "done")


async def test_an_upstream_that_does_not_answer_a_close_is_cut(monkeypatch):
    monkeypatch.setattr("triplegate.upstreams.websocket._GOODBYE", 0.05)

    async def play(server):
        await server.next()
        assert await server.next() is None

    async with opened(play) as socket:
        socket.end(1000, "")
        assert await socket.receive() is None


async def test_an_end_without_a_word_is_a_reset():
    async def play(server):
        await server.talk.say(frame(TEXT, b"last"))
        server.talk.writer.close()

    async with opened(play) as socket:
        assert await socket.receive() == Message(b"last", text=True)
        with pytest.raises(Refusal) as caught:
            await socket.receive()
        assert caught.value.code == "upstream_reset"


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (b"\xff\xff\xff", "upstream_malformed", 1002),
        (b"\x81\x01\xff", "upstream_malformed", 1007),
        (b"\x82\x7e\x03\xe9", "message_too_large", 1009),
    ],
)
async def test_what_breaks_the_protocol_is_told_after_what_was_whole(said, code, told):
    heard = []

    async def play(server):
        await server.talk.say(frame(TEXT, b"whole") + said)
        heard.append(await server.next())

    async with opened(play) as socket:
        assert await socket.receive() == Message(b"whole", text=True)
        with pytest.raises(Refusal) as caught:
            await socket.receive()
        assert caught.value.code == code
        while not heard:
            await asyncio.sleep(0.01)
    assert heard[0].code == told


async def test_a_message_of_the_clients_that_is_too_large_is_never_sent():
    async def play(server):
        assert await server.next() == Close(1001, "too large")

    async with opened(play) as socket:
        with pytest.raises(Refusal) as caught:
            await socket.send(Message(b"x" * 1001))
        assert caught.value.code == "message_too_large"
        socket.fail(Refusal("message_too_large", "too large"), 1001)
        with pytest.raises(Refusal):
            await socket.receive()


async def test_silence_of_both_sides_ends_it():
    async def play(server):
        close = await server.next()
        assert close.code == 1001
        await server.talk.say(close_frame(1001, ""))

    async with opened(play, Bounds(idle=0.2, ping=0)) as socket:
        assert await socket.receive() is None
        assert socket.last.code == 1001
        assert "0.2" in socket.last.reason


async def test_a_silent_upstream_is_pinged_and_given_up_without_a_pong():
    pings = []

    async def play(server):
        for answered in (True, False):
            event = await server.next()
            pings.append(event)
            if answered:
                await server.talk.say(frame(PONG, event.payload))
        assert (await server.next()).code == 1001

    async with opened(play, Bounds(idle=60, ping=0.3)) as socket:
        with pytest.raises(Refusal) as caught:
            await socket.receive()
    assert (caught.value.code, len(pings)) == ("upstream_timeout", 2)


async def test_an_upstream_that_takes_nothing_is_not_waited_for_without_end():
    async def play(server):
        server.talk.writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with opened(play, Bounds(most=1 << 20, stuck=0.1)) as socket:
        with pytest.raises(Refusal) as caught:  # noqa: PT012 - until the network is full
            for _ in range(100):
                await socket.send(Message(b"x" * (1 << 20)))
        assert caught.value.code == "upstream_timeout"


async def test_cut_and_closed_sockets_are_gone_and_stay_so():
    async def play(server):
        assert await server.next() is None

    async with opened(play) as socket:
        socket.abort()
        assert await socket.receive() is None
        socket.close()
        socket.close()
