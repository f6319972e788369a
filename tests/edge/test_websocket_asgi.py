"""A client's WebSocket through granian: what it is told, what it is never told twice, and how it ends."""

import asyncio

import pytest
from tests.builders import make_exchange

from triplegate.core.errors import Gone
from triplegate.core.http import Message
from triplegate.edge.websocket_asgi import AsgiLine

CONNECT = {"type": "websocket.connect"}


class Granian:
    """Messages by and by, and what was sent; forbids what ends the whole process in the real one."""

    def __init__(self, *messages):
        self.messages = [CONNECT, *messages]
        self.sent = []
        self.reading = self.closed = False

    async def receive(self):
        assert not self.closed, "receive after close"
        if self.messages:
            message = self.messages.pop(0)
            if isinstance(message, Exception):
                raise message
            return message
        self.reading = True
        try:
            await asyncio.Event().wait()
        finally:
            self.reading = False

    async def send(self, message):
        if message["type"] == "websocket.close":
            assert not self.reading, "close while somebody reads waits for ever"
            self.closed = True
        self.sent.append(message)

    def line(self, exchange=None):
        return AsgiLine(exchange or make_exchange(), self.receive, self.send, 60.0)


async def test_both_kinds_of_messages_pass():
    server = Granian({"type": "websocket.receive", "text": "hä"}, {"type": "websocket.receive", "bytes": b"\xff"})
    line = server.line()
    await line.accept([(b"sec-websocket-protocol", b"v1"), (b"x-request-id", b"r")])
    assert await line.receive() == Message("hä".encode(), text=True)
    assert await line.receive() == Message(b"\xff")
    await line.send(Message("hö".encode(), text=True))
    await line.send(Message(b"\xfe"))
    assert server.sent == [
        {"type": "websocket.accept", "subprotocol": "v1"},
        {"type": "websocket.send", "text": "hö"},
        {"type": "websocket.send", "bytes": b"\xfe"},
    ]


async def test_a_close_of_the_client_ends_its_side_and_is_not_answered_twice():
    server = Granian({"type": "websocket.disconnect", "code": 4001, "reason": "bye"})
    line = server.line()
    assert await line.receive() is None
    assert line.ended == (4001, "bye")
    await line.close(4001)
    assert server.sent == []


@pytest.mark.parametrize(("code", "sent"), [(1000, True), (4001, True), (1005, False), (1006, False)])
async def test_a_code_that_may_not_be_sent_is_told_by_leaving(code, sent):
    server = Granian()
    await server.line().close(code, "why")
    assert server.sent == ([{"type": "websocket.close", "code": code, "reason": "why"}] if sent else [])


async def test_whoever_reads_is_stopped_before_it_is_closed_and_nobody_reads_after():
    server = Granian()
    line = server.line()
    reading = asyncio.ensure_future(line.receive())
    while not server.reading:
        await asyncio.sleep(0)
    await line.close(1001, "away")
    assert reading.cancelled()
    assert server.closed
    with pytest.raises(Gone):
        await line.receive()


async def test_a_long_reason_fits_into_a_close_frame():
    server = Granian()
    await server.line().close(1011, "€" * 100)
    assert len(server.sent[0]["reason"].encode()) <= 123


async def test_a_broken_connection_is_a_client_that_left():
    line = Granian(RuntimeError("broken")).line()
    with pytest.raises(Gone):
        await line.receive()
    assert line.gone

    async def send(message):
        raise RuntimeError("closed")

    line = AsgiLine(make_exchange(), Granian().receive, send, 60.0)
    with pytest.raises(Gone):
        await line.send(Message(b"x"))
    line = AsgiLine(make_exchange(), Granian().receive, send, 60.0)
    await line.close(1000)
    assert line.gone


async def test_a_refusal_is_one_head_without_repeated_names_and_one_body():
    server = Granian()
    fields = [(b"x-a", b"1"), (b"x-a", b"2"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"connection", b"x")]
    line = server.line()
    await line.refuse(401, fields, b"no")
    line.abort()
    start, body = server.sent
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert dict(start["headers"]) == {b"x-a": b"1, 2", b"set-cookie": b"a=1", b"connection": b"close"}
    assert len(start["headers"]) == 3
    assert body == {"type": "websocket.http.response.body", "body": b"no"}
