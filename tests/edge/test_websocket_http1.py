"""A WebSocket on the in-loop transport: opened by 101 alone, strict frames, both sides told how it ends."""

import asyncio
import ssl
from typing import Any

import pytest
from tests.edge.http1_pipe import Keeper, Opening, Pipe, answers, turn

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Duplex, Message, OneFrame, Peer, Reply
from triplegate.edge.asgi import DataPlane, EdgeLimits
from triplegate.edge.front_certificates import Shown
from triplegate.edge.front_facts import Facts, Seen
from triplegate.edge.guard import Limits
from triplegate.edge.live import Live
from triplegate.wire.websocket import BINARY, PING, TEXT, Close, Control, Reader, close_frame, frame

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ASK = (
    b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)
MASK = b"abcd"


class Echo(Duplex, kw_only=True, eq=False):
    """Says back what it hears, and keeps how it ended."""

    heard: list[Any]
    hold: Any = None

    async def run(self, client):
        if self.hold is not None:
            await self.hold.wait()
        try:
            while (message := await client.receive()) is not None:
                self.heard.append(message)
                await client.send(message)
        except (Gone, Refusal) as error:
            self.heard.append(error)
            raise
        self.heard.append(client.ended)


def opened(answer=None, hold=None, body=2000):
    heard = []

    async def echo(gate, exchange):
        if exchange.refusal is not None:
            return gate.refuse(exchange, exchange.refusal)
        return Echo(101, [(b"sec-websocket-protocol", b"v1")], OneFrame(), heard=heard, hold=hold)

    gate = Opening()
    plane = DataPlane(lambda path: gate, answer or echo, EdgeLimits(Limits(), body=body), None, Live())
    return Pipe(Keeper(plane)), heard, gate


def said(pipe):
    """The head of the 101 and the events behind it."""
    head, _, rest = pipe.sent.partition(b"\r\n\r\n")
    return head, Reader(1 << 20, masked=False).feed(rest)


async def say(pipe, content):
    pipe.say(content)
    await turn()


async def test_it_is_opened_with_the_proof_of_the_key_and_messages_go_both_ways():
    pipe, heard, gate = opened()
    await say(pipe, ASK)
    await say(pipe, frame(TEXT, b"hello", MASK) + frame(BINARY, b"\x00" * 300, MASK)[:7])
    await say(pipe, frame(BINARY, b"\x00" * 300, MASK)[7:])
    head, events = said(pipe)
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    for line in (
        b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        b"sec-websocket-protocol: v1",
        b"connection: upgrade",
        b"upgrade: websocket",
        b"x-request-id: r",
    ):
        assert line in head.split(b"\r\n")
    assert b"content-length" not in head
    assert events == heard == [Message(b"hello", text=True), Message(b"\x00" * 300)]
    assert gate.opened[0].inbound.protocol == "websocket"


async def test_a_close_is_answered_and_the_connection_ends():
    pipe, heard, gate = opened()
    await say(pipe, ASK)
    await say(pipe, close_frame(3001, "enough", MASK))
    assert said(pipe)[1] == [Close(3001, "enough")]
    assert (heard, pipe.ended, gate.opened[0].outcome) == ([(3001, "enough")], True, "ok")
    await say(pipe, frame(TEXT, b"late", MASK))
    assert len(heard) == 1


async def test_pings_are_answered_here_unless_the_client_takes_nothing():
    pipe, heard, _ = opened()
    await say(pipe, ASK)
    await say(pipe, frame(PING, b"1", MASK))
    pipe.connection.pause_writing()
    await say(pipe, frame(PING, b"2", MASK))
    assert said(pipe)[1] == [Control(0xA, b"1")]
    assert heard == []


async def test_what_was_sent_ahead_waits_for_the_101_and_is_read_after_it():
    pipe, heard, _ = opened()
    await say(pipe, ASK + frame(TEXT, b"early", MASK))
    assert heard == [Message(b"early", text=True)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (frame(TEXT, b"unmasked"), 1002),
        (frame(0x3, b"", MASK), 1002),
        (frame(TEXT, b"\xff", MASK), 1007),
        (frame(BINARY, b"x" * 2001, MASK), 1009),
        (close_frame(1000, "", MASK)[:1] + b"\x81" + MASK + b"x", 1002),
    ],
)
async def test_who_breaks_the_protocol_is_told_so_after_what_was_whole(content, code):
    pipe, heard, gate = opened()
    await say(pipe, ASK + frame(TEXT, b"first", MASK))
    await say(pipe, content)
    message, closed = said(pipe)[1]
    assert (message.data, closed.code) == (b"first", code)
    assert isinstance(heard[-1], Refusal)
    assert (pipe.ended, gate.opened[0].outcome) == (True, "failed")


async def test_a_refusal_is_an_answer_and_what_was_sent_ahead_is_no_request():
    async def refuse(gate, exchange):
        return Reply(401, [(b"x-a", b"b")], OneFrame(b"no"))

    pipe, _, gate = opened(refuse)
    await say(pipe, ASK + ASK)
    [(status, fields, body)], rest = answers(pipe.sent)
    assert (status, fields[b"connection"], body, rest) == (401, b"close", b"no", b"")
    assert (pipe.ended, len(gate.opened)) == (True, 1)


async def test_what_was_sent_ahead_is_no_request_even_where_the_gate_never_heard_of_it():
    one, other = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    seen = Seen(None, (Shown(one, {"a.test": other}, {}), one))
    gate = Opening()

    async def told(gate, exchange):
        return gate.refuse(exchange, exchange.refusal)

    facts = {4000: Facts(Peer("192.0.2.7", 9), "https", seen)}
    plane = DataPlane(lambda path: gate, told, EdgeLimits(Limits(), body=2000), None, Live(), facts=facts)
    for request, count in ((ASK, 1), (ASK.replace(b"keep-alive, Upgrade", b"keep-alive"), 2)):
        gate.opened.clear()
        pipe = Pipe(Keeper(plane), "127.0.0.1")
        await say(pipe, request + b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert [status for status, _, _ in answers(pipe.sent)[0]] == [421] * count
        assert (pipe.ended, len(gate.opened)) == (count == 1, count)


@pytest.mark.parametrize("cut", [b"Sec-WebSocket-Version: 13\r\n", b"Sec-WebSocket-Key: " + KEY + b"\r\n"])
async def test_a_handshake_that_is_not_whole_is_refused(cut):
    pipe, _, _ = opened()
    await say(pipe, ASK.replace(cut, b"") + ASK)
    assert [status for status, _, _ in answers(pipe.sent)[0]] == [400]
    assert pipe.ended


async def test_a_client_that_leaves_is_gone_before_and_after_it_is_open():
    held = asyncio.Event()

    async def never(gate, exchange):
        await held.wait()

    pipe, _, gate = opened(never)
    await say(pipe, ASK)
    pipe.leave()
    await turn()
    assert gate.opened[0].outcome == "gone"
    pipe, heard, gate = opened()
    await say(pipe, ASK)
    pipe.leave()
    await turn()
    assert [type(error) for error in heard] == [Gone]
    assert gate.opened[0].outcome == "gone"


async def test_messages_that_nobody_takes_are_not_read_without_end():
    hold = asyncio.Event()
    pipe, heard, _ = opened(hold=hold, body=200_000)
    await say(pipe, ASK)
    for _ in range(10):
        pipe.say(frame(BINARY, b"x" * 10_000, MASK))
    assert pipe.halted
    hold.set()
    await turn(60)
    assert (len(heard), pipe.halted) == (10, False)


async def test_a_slow_client_is_waited_for():
    pipe, heard, _ = opened()
    await say(pipe, ASK)
    pipe.connection.pause_writing()
    await say(pipe, frame(TEXT, b"one", MASK) + frame(TEXT, b"two", MASK))
    assert [message.data for message in heard] == [b"one"]
    pipe.connection.resume_writing()
    await turn()
    assert [message.data for message in heard] == [b"one", b"two"]


async def test_the_end_of_the_process_is_told():
    pipe, _, gate = opened()
    await say(pipe, ASK)
    plane = pipe.keeper.plane
    await plane.live.depart(1.0)
    await turn()
    assert said(pipe)[1] == [Close(1001, "The gateway is shutting down.")]
    assert (pipe.ended, gate.opened[0].outcome) == (True, "failed")
