"""A WebSocket through the gate: which services take one, and a relay that ends both sides whatever ends one."""

import asyncio

import msgspec
import pytest
from tests.builders import make_inbound
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Message
from triplegate.edge.serve import open_exchange
from triplegate.gates.api.websocket import Relay
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.websocket import Close

PLAIN = """
services: {chat: {endpoints: ["http://127.0.0.1:1"]}, talk: {endpoints: ["http://127.0.0.1:1"], websocket: {
  origins: ["https://app.example.com"]}}}
routes:
  plain: {service: chat, match: {path: /plain}, owner: web, identity: none}
  both: {services: [{service: talk}, {service: chat}], match: {path: /both}, owner: web, identity: none}
  talk: {service: talk, match: {path: /talk}, owner: web, identity: none}
"""


async def code(made, path, *headers):
    inbound = msgspec.structs.replace(make_inbound(path=path, headers=headers), protocol="websocket")
    exchange = open_exchange(made.gateway.gate_for(path), inbound)
    await made.gateway.answer(exchange.gate, exchange)
    return exchange


async def test_each_service_of_the_route_must_take_one(tmp_path):
    async with built(tmp_path, PLAIN) as made:
        for path in ("/plain", "/both"):
            exchange = await code(made, path)
            assert (exchange.refusal.code, exchange.attempts) == ("websocket_not_served", [])


async def test_a_page_of_another_origin_reaches_no_service(tmp_path):
    async with built(tmp_path, PLAIN) as made:
        exchange = await code(made, "/talk", (b"origin", b"https://evil.example.com"))
        assert (exchange.refusal.code, exchange.attempts) == ("forbidden_origin", [])
        for headers in ((), ((b"origin", b"https://App.example.com"),)):
            exchange = await code(made, "/talk", *headers)
            assert exchange.refusal.code == "upstream_unreachable"


async def test_one_service_of_a_route_may_have_its_own_rewrite(tmp_path):
    async with Upstream(always(answer(b"no", status=b"404 No"))) as upstream:
        own = "services: [{service: talk, policies: [{use: rewrite, prefix: /own, host: own.test}]}]"
        written = PLAIN.replace("http://127.0.0.1:1", upstream.url).replace("talk: {service: talk", "talk: {" + own)
        async with built(tmp_path, written) as made:
            exchange = await code(made, "/talk/x")
            exchange.close("ok")
        received = upstream.talks[0].received
    assert received.startswith(b"GET /own/x HTTP/1.1\r\n")
    assert b"\r\nhost: own.test\r\n" in received.lower()


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
