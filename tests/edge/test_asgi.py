"""ASGI scopes become canonical requests; the client's leaving and stalling are noticed without a task per request."""

import asyncio
import ssl
from types import SimpleNamespace

import pytest
from tests.builders import PlainGate, make_house

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Peer, Reply
from triplegate.edge.asgi import AsgiBody, AsgiWire, DataPlane, EdgeLimits
from triplegate.edge.front_certificates import Shown
from triplegate.edge.front_facts import Facts, Seen
from triplegate.edge.guard import Limits
from triplegate.edge.live import Live

LIMITS = EdgeLimits(Limits(), body=100, body_idle=5.0)


def piece(content, more=True):
    return {"type": "http.request", "body": content, "more_body": more}


LEFT = {"type": "http.disconnect"}


class Client:
    """The server's side of one ASGI call: messages by and by, and what was sent."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.waiting = []
        self.sent = []

    def receive(self):
        future = asyncio.get_running_loop().create_future()
        if self.messages:
            future.set_result(self.messages.pop(0))
        else:
            self.waiting.append(future)
        return future

    def say(self, message):
        self.waiting.pop(0).set_result(message)

    async def send(self, message):
        self.sent.append(message)

    def wire(self):
        return AsgiWire(self.receive, self.send, asyncio.get_running_loop(), LIMITS)

    def body(self, length=None, limit=100, wire=None):
        return AsgiBody(self.receive, wire or self.wire(), length, limit)

    @property
    def answer(self):
        """Status, fields and content of what was sent; whether it was completed."""
        start = self.sent[0]
        content = b"".join(message.get("body", b"") for message in self.sent[1:])
        return start["status"], dict(start["headers"]), content, not self.sent[-1]["more_body"]


async def read(body):
    return [content async for content in body.chunks()]


# the body --------------------------------------------------------------------------------------------------
async def test_a_body_comes_piece_by_piece():
    client = Client(piece(b"one"), piece(b""), piece(b"two", more=False))
    wire = client.wire()
    wire.read_done = False
    body = client.body(6, wire=wire)
    assert (body.kind, body.started) == ("one_pass", False)
    assert await read(body) == [b"one", b"two"]
    assert (body.started, wire.read_done) == (True, True)


async def test_a_body_of_known_length_ends_with_its_last_byte():
    client = Client(piece(b"one"), piece(b"two"), piece(b"", more=False))
    wire = client.wire()
    wire.read_done = False
    body = client.body(6, wire=wire)
    assert await body.whole(100) == b"onetwo"
    assert wire.read_done
    assert len(client.messages) == 1, "the server was asked for an end that is known"


async def test_a_whole_body_is_kept_and_can_be_sent_again():
    body = Client(piece(b"one"), piece(b"two", more=False)).body()
    assert await body.whole(100) == b"onetwo"
    assert (body.kind, body.started) == ("replayable", False)
    assert await read(body) == await read(body) == [b"onetwo"]
    empty = Client(piece(b"", more=False)).body()
    assert await empty.whole(100) == b""
    assert await read(empty) == []


@pytest.mark.parametrize("length", [None, 101])
async def test_a_body_that_is_too_large_is_refused_as_soon_as_that_is_known(length):
    client = Client(piece(b"x" * 60), piece(b"x" * 60), piece(b"x" * 60, more=False))
    with pytest.raises(Refusal) as caught:
        await read(client.body(length))
    assert caught.value.code == "body_too_large"
    assert len(client.messages) == (1 if length is None else 3)
    with pytest.raises(Refusal) as caught:
        await Client(piece(b"x" * 50, more=False)).body().whole(49)
    assert caught.value.code == "body_too_large"


async def test_a_body_shorter_than_announced_is_malformed():
    with pytest.raises(Refusal) as caught:
        await read(Client(piece(b"x", more=False)).body(2))
    assert caught.value.code == "malformed_request"


async def test_what_was_read_goes_with_its_exchange_and_waits_for_no_collector():
    wire = Client(piece(b"x")).wire()
    body = wire.body_of(SimpleNamespace(content_length=1))
    assert await body.whole(1) == b"x"
    wire.let_go()
    assert wire.request is None, "wire and body would hold each other until the collector comes"
    wire.let_go()


async def test_a_client_that_leaves_in_the_middle_is_gone():
    client = Client(piece(b"x"), LEFT)
    wire = client.wire()
    with pytest.raises(Gone):
        await read(client.body(wire=wire))
    assert wire.gone


async def test_a_body_that_drips_is_refused(monkeypatch):
    client = Client(*[piece(b"x") for _ in range(50)])
    body = client.body()
    loop, passed = asyncio.get_running_loop(), [0.0]

    def time():
        passed[0] += 1.5
        return passed[0]

    monkeypatch.setattr(loop, "time", time)
    with pytest.raises(Refusal) as caught:
        await read(body)
    assert caught.value.code == "body_timeout"


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_body_that_stalls_is_a_timeout_for_whoever_waits(elsewhere):
    client = Client(piece(b"x"))
    wire = client.wire()  # its own task is this one
    body = client.body(wire=wire)
    loop = asyncio.get_running_loop()

    def sweep():
        wire.check_stall(loop.time() + 4)  # not yet
        wire.check_stall(loop.time() + 6)

    loop.call_later(0.01, sweep)
    reading = asyncio.ensure_future(read(body)) if elsewhere else read(body)
    with pytest.raises(Refusal) as caught:
        await reading
    assert caught.value.code == "body_timeout"
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)  # and this task goes on undisturbed


# the wire --------------------------------------------------------------------------------------------------
async def test_the_head_waits_for_the_first_piece_and_goes_once():
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"a", b"b")])
    assert (client.sent, wire.started) == ([], False)
    await wire.body(b"one")
    await wire.end(b"two")
    assert wire.started
    assert client.answer == (200, {b"a": b"b"}, b"onetwo", True)
    assert len(client.sent) == 3


async def test_an_aborted_message_is_never_completed():
    client = Client()
    wire = client.wire()
    await wire.head(200, [])
    wire.abort()
    assert client.sent == []


async def test_a_client_that_leaves_cancels_the_exchange_once_watched():
    client = Client()

    async def call():
        made.append(client.wire())
        await asyncio.Event().wait()

    made = []
    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    (wire,) = made
    wire.read_done = False
    wire.watch()
    assert client.waiting == []  # the body is not read: a second receive would lie
    wire.read_done = True
    wire.watch()
    wire.watch()
    assert len(client.waiting) == 1
    client.say(piece(b"", more=False))  # an empty rest of the request
    await asyncio.sleep(0)
    assert not wire.gone
    wire.watch()
    client.say(LEFT)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wire.gone
    wire.watch()
    assert client.waiting == []


async def test_or_is_told_to_whoever_asked():
    client, told = Client(), []
    wire = client.wire()
    wire.on_gone(lambda: told.append(1))
    wire.on_gone(lambda: told.append(2))
    wire.watch()
    client.waiting.pop().set_exception(RuntimeError("broken"))
    await asyncio.sleep(0)
    assert (told, wire.gone) == ([1, 2], True)


async def test_a_client_that_takes_nothing_of_its_reply_is_gone():
    class Stuck(Client):
        async def send(self, message):
            await asyncio.Event().wait()

    async def call():
        made.append(Stuck().wire())
        await made[0].head(200, [])
        made[0]._head = None
        await made[0].body(b"x")

    made = []
    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    made[0].check_stall(now + 59)
    assert not made[0].gone
    made[0].check_stall(now + 61)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert made[0].gone


async def test_the_end_of_the_process_cancels_once():
    async def call():
        made.append(Client().wire())
        await asyncio.Event().wait()

    made = []
    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    made[0].stop()
    made[0].stop()
    assert (made[0].stopping, task.cancelling()) == (True, 1)
    with pytest.raises(asyncio.CancelledError):
        await task


# the plane -------------------------------------------------------------------------------------------------
class Opening(PlainGate):
    """Opens what it is given and keeps it."""

    def __init__(self):
        super().__init__()
        self.opened = []
        self.house = make_house()

    def open(self, inbound):
        exchange = Exchange(self.house.make_id(), self, inbound, self.house, 0.0, request_id=b"r")
        self.opened.append(exchange)
        return exchange


def plane(gate, resolve=None, answer=None):
    async def told(gate, exchange):
        if exchange.refusal is not None:
            return gate.refuse(exchange, exchange.refusal)
        return Reply(200, [], OneFrame(await exchange.inbound.body.whole(100) or b"none"))

    return DataPlane(lambda path: gate, answer or told, LIMITS, resolve, Live())


def scope(method="GET", path="/a", query=b"", headers=((b"host", b"A.test:81"),), **more):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": list(headers),
        "http_version": "1.1",
        "scheme": "http",
        "client": ("192.0.2.7", "4000"),
        **more,
    }


async def called(app, client=None, **more):
    client = client or Client()
    await app(scope(**more), client.receive, client.send)
    return client


async def test_a_scope_becomes_one_canonical_request():
    gate = Opening()
    client = await called(plane(gate), query=b"x=%20y", path="/a/%7Eb")
    inbound = gate.opened[0].inbound
    assert (inbound.method, inbound.host, inbound.port, inbound.path, inbound.query) == (
        "GET",
        "a.test",
        81,
        "/a/~b",
        b"x=%20y",
    )
    assert (inbound.peer.address, inbound.peer.port, inbound.client, inbound.listener) == (
        "192.0.2.7",
        4000,
        "192.0.2.7",
        "data",
    )
    assert inbound.body.kind == "none"
    assert client.answer[2:] == (b"none", True)
    assert gate.opened[0].outcome == "ok"


async def test_a_body_is_read_when_somebody_wants_it():
    headers = [(b"host", b"a"), (b"content-length", b"5")]
    client = await called(plane(Opening()), Client(piece(b"hello", more=False)), method="POST", headers=headers)
    assert client.answer[2] == b"hello"

    async def refused(gate, exchange):
        return gate.refuse(exchange, Refusal("unauthenticated"))

    client = await called(plane(Opening(), answer=refused), Client(piece(b"hello")), method="POST", headers=headers)
    assert (client.answer[0], len(client.messages)) == (401, 1)  # nobody did


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": []}, 400),
        ({"path": "/a/%2e%2e/b"}, 400),
        ({"query": b"x" * 9000}, 414),
        ({"headers": [(b"host", b"a"), *[(b"x", b"y")] * 200]}, 431),
    ],
)
async def test_what_the_guard_refuses_is_answered_by_the_gate_and_read_by_nobody(more, status):
    gate = Opening()
    client = await called(plane(gate), **more)
    assert client.answer[0] == status
    assert (gate.opened[0].inbound.headers, gate.opened[0].inbound.path) == ([], "/")
    assert gate.opened[0].outcome == "refused"


async def test_behind_a_trusted_proxy_the_client_is_another_than_the_peer():
    gate = Opening()
    await called(plane(gate, resolve=lambda address, headers: "198.51.100.1"))
    inbound = gate.opened[0].inbound
    assert (inbound.client, inbound.peer.address) == ("198.51.100.1", "192.0.2.7")


async def test_an_exchange_stands_among_the_living_while_it_lasts():
    gate, seen = Opening(), []

    async def answer(gate, exchange):
        seen.append((len(app.live), next(app.live.exchanges()) is exchange))
        return Reply(200, [], OneFrame(b"x"))

    app = plane(gate, answer=answer)
    await called(app)
    assert (seen, len(app.live), app.live.idle.is_set()) == ([(1, True)], 0, True)


HANDSHAKE = [
    (b"host", b"a"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]


async def channel(gate, headers=HANDSHAKE, **more):
    client = Client()
    scope = {
        "type": "websocket",
        "raw_path": b"/chat",
        "path": "/chat",
        "query_string": b"",
        "headers": headers,
        "http_version": "1.1",
        "scheme": "wss",
        "client": ("192.0.2.7", "4000"),
    }
    await plane(gate, **more)(scope, client.receive, client.send)
    return client


async def test_a_request_to_open_a_websocket_is_carried_as_one():
    gate = Opening()
    client = await channel(gate)
    inbound = gate.opened[0].inbound
    assert (inbound.protocol, inbound.method, inbound.scheme, inbound.path) == ("websocket", "GET", "https", "/chat")
    assert client.sent[0]["type"] == "websocket.http.response.start"  # this gate opens none: its answer is the answer


async def test_what_is_no_handshake_is_refused_by_the_gate():
    gate = Opening()
    client = await channel(gate, HANDSHAKE[:1])
    assert client.sent[0]["status"] == 400
    assert gate.opened[0].outcome == "refused"


async def test_the_mcp_gate_takes_no_websocket():
    gate = Opening()
    gate.name = "mcp"
    client = await channel(gate)
    assert (client.sent[0]["status"], client.sent[1]["body"]) == (400, b"websocket_not_served")


# behind a front --------------------------------------------------------------------------------------------
def behind(facts, gate=None):
    gate = gate or Opening()

    async def told(gate, exchange):
        if exchange.refusal is not None:
            return gate.refuse(exchange, exchange.refusal)
        inbound = exchange.inbound
        said = f"{inbound.peer.address} {inbound.client} {inbound.scheme} {inbound.peer.certificate}"
        return Reply(200, [], OneFrame(said.encode()))

    return DataPlane(lambda path: gate, told, LIMITS, None, Live(), facts=facts)


async def asked(plane, **more):
    client = Client()
    await plane(scope(**more), client.receive, client.send)
    return client.answer


async def test_behind_a_front_the_peer_is_whom_the_front_knows():
    table = {4711: Facts(Peer("192.0.2.7", 9, b"der"), "https")}
    answer = await asked(behind(table), client=("127.0.0.1", "4711"))
    assert (answer[0], answer[2]) == (200, b"192.0.2.7 192.0.2.7 https b'der'")


@pytest.mark.parametrize("client", [("127.0.0.1", "4712"), ("127.0.0.2", "4711"), ("192.0.2.7", "4711")])
async def test_who_dials_past_the_front_is_turned_away(client):
    table = {4711: Facts(Peer("192.0.2.7", 9), "https")}
    answer = await asked(behind(table), client=client)
    assert (answer[0], answer[1][b"connection"]) == (403, b"close")


async def test_the_gate_hears_for_which_name_the_connection_was_opened():
    table, gates = {}, Opening()
    plane = behind(table, gates)
    for seen, said in ((Seen(None, None, "a.test"), "a.test"), (None, "")):
        table[4711] = Facts(Peer("192.0.2.7", 9), "https", seen)
        await asked(plane, client=("127.0.0.1", "4711"))
        assert gates.opened[-1].inbound.asked == said


async def test_a_host_of_another_certificate_is_421():
    one, other = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    seen = Seen(None, (Shown(one, {"other.test": other}, {}), one))
    plane = behind({4711: Facts(Peer("192.0.2.7", 9), "https", seen)})
    for host, status in ((b"a.test", 200), (b"other.test", 421)):
        assert (await asked(plane, client=("127.0.0.1", "4711"), headers=[(b"host", host)]))[0] == status
