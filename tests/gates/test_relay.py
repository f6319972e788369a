"""A relay ends both sides whatever ends one."""

import asyncio

import pytest

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Message
from triplegate.gates.relay import Relay
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.websocket import Close


class Socket:
    """The upstream's side, of a script."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.sent = []
        self.last = self.failure = None
        self.over = asyncio.Event()
        self.told = None

    async def receive(self):
        if self.messages:
            message = self.messages.pop(0)
            if isinstance(message, Close):
                self.last = message
                return None
            return message
        await self.over.wait()
        if self.failure is not None:
            raise self.failure
        return None

    async def send(self, message):
        self.sent.append(message)

    def end(self, code, reason):
        if self.told is None:
            self.last = self.told = Close(code, reason)
        self.over.set()

    def fail(self, refusal, code):
        self.failure, self.told = refusal, code
        self.over.set()

    def abort(self):
        self.told = "cut"
        self.over.set()


class Client:
    """The client's side, of a script."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.sent = []
        self.ended = (0, "")
        self.closed = None

    async def receive(self):
        if not self.steps:
            await asyncio.Event().wait()
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, tuple):
            self.ended = step
            return None
        return step

    async def send(self, message):
        self.sent.append(message)

    async def close(self, code, reason="", trailers=()):
        self.closed = (code, reason)


async def relayed(socket, client):
    supervisor = TaskSupervisor()
    relay = Relay(101, [], None, socket=socket, supervisor=supervisor)
    try:
        async with asyncio.timeout(5):
            await relay.run(client)
    finally:
        while supervisor.running:
            await asyncio.sleep(0)
        assert supervisor.failures == 0


async def test_the_upstream_ends_it():
    socket, client = Socket(Message(b"a"), Message(b"b"), Close(4001, "enough")), Client()
    await relayed(socket, client)
    assert (client.sent, client.closed) == ([Message(b"a"), Message(b"b")], (4001, "enough"))


async def test_the_client_ends_it():
    socket, client = Socket(), Client(Message(b"a"), (1000, "done"))
    await relayed(socket, client)
    assert (socket.sent, socket.told, client.closed) == ([Message(b"a")], Close(1000, "done"), (1000, "done"))


async def test_the_client_leaves():
    socket = Socket()
    with pytest.raises(asyncio.CancelledError):
        await relayed(socket, Client(Gone()))
    assert socket.told == "cut"


async def test_the_client_breaks_a_bound():
    refusal = Refusal("message_too_large")
    socket = Socket()
    with pytest.raises(Refusal) as caught:
        await relayed(socket, Client(refusal))
    assert (caught.value, socket.told) == (refusal, 1001)


async def test_what_nobody_foresaw_is_raised_where_the_exchange_is():
    socket = Socket()
    with pytest.raises(ValueError, match="unforeseen"):
        await relayed(socket, Client(ValueError("unforeseen")))
    assert socket.told.code == 1011


async def test_the_gateway_ends_it():
    socket = Socket()
    relaying = asyncio.ensure_future(relayed(socket, Client()))
    await asyncio.sleep(0)
    relaying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await relaying
    assert socket.told == Close(1001, "")


async def test_what_breaks_at_the_upstream_is_raised():
    socket = Socket()
    socket.fail(Refusal("upstream_reset"), 0)
    with pytest.raises(Refusal):
        await relayed(socket, Client())
