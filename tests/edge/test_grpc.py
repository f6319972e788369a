"""The gRPC side of the edge: heads are read as strictly as HTTP's, and every end is told and recorded once."""

import asyncio
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from tests.builders import PlainGate, make_house
from tests.journeys.running import free_port

from triplegate.core.catalog import Route
from triplegate.core.clock import SystemClock
from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Duplex, Message, OneFrame, Reply
from triplegate.edge.asgi import EdgeLimits
from triplegate.edge.grpc import GrpcPlane, open_server
from triplegate.edge.guard import Limits
from triplegate.edge.live import Live


class Gate(PlainGate):
    """Answers with what the test gives; keeps the exchanges it opened."""

    def __init__(self, reply):
        super().__init__()
        self.reply, self.opened = reply, []
        self.house = make_house(SystemClock())

    def open(self, inbound):
        exchange = Exchange("x1", self, inbound, self.house, self.house.clock.now(), route=Route("r", "api"))
        exchange.request_id = b"r1"
        self.opened.append(exchange)
        return exchange

    def refuse(self, exchange, refusal):
        headers = [(b"grpc-status", b"%d" % refusal.rendering.grpc), (b"grpc-message", refusal.code.encode())]
        return Reply(refusal.status, headers, OneFrame())


class Script(Duplex, kw_only=True, eq=False):
    """Does what the test says."""

    act: object

    async def run(self, client):
        await self.act(client)


def doing(act):
    return lambda: Script(200, [(b"x-head", b"1")], OneFrame(), act=act)


async def echo(client):
    await client.metadata([(b"x-init", b"2")])
    while (message := await client.receive()) is not None:
        await client.send(message)
    await client.close(0, "", [(b"x-last-bin", b"AQ")])


@asynccontextmanager
async def serving(reply=None, *, limits=None, live=None):
    gate = Gate(reply or doing(echo))
    live = live or Live()

    async def answer(asked, exchange):
        if exchange.refusal is None:
            made = gate.reply()
            if isinstance(made, Exception):
                exchange.refusal = made
            else:
                return made
        return asked.refuse(exchange, exchange.refusal)

    limits = limits or EdgeLimits(Limits())
    plane = GrpcPlane(lambda: gate, answer, limits, lambda address, headers: "192.0.2.1", live, SystemClock())
    gate.port = free_port()
    server = await open_server(plane, "127.0.0.1", gate.port, 100, shared=False)
    gate.live = live
    async with grpc.aio.insecure_channel(f"127.0.0.1:{gate.port}") as gate.channel:
        try:
            yield gate
        finally:
            await server.stop(0.0)


async def call(gate, *, method="/a.B/C", metadata=(), message=b"hi", timeout=5):
    """Messages, code, details and metadata of a call of one request."""
    begun = gate.channel.unary_stream(method)(message, metadata=metadata, timeout=timeout)
    messages = []
    try:
        async for one in begun:
            messages.append(one)
    except grpc.aio.AioRpcError:
        pass
    facts = (await begun.code()).value[0], await begun.details()
    return messages, *facts, dict(await begun.initial_metadata()), dict(await begun.trailing_metadata())


async def test_a_call_becomes_a_canonical_request():
    async with serving() as gate:
        metadata = (("x-a", "1"), ("x-b-bin", b"\xff"), ("user_id", "7"), ("host", "evil.test"))
        messages, code, _, initial, trailing = await call(gate, metadata=metadata)
        assert (messages, code) == ([b"hi"], 0)
        assert (initial["x-head"], initial["x-init"], initial["x-request-id"]) == ("1", "2", "r1")
        assert trailing == {"x-last-bin": b"\x01"}
        inbound = gate.opened[0].inbound
        assert (inbound.method, inbound.path, inbound.protocol, inbound.listener) == ("POST", "/a.B/C", "grpc", "grpc")
        assert (inbound.peer.address, inbound.client, inbound.scheme, inbound.host) == (
            "127.0.0.1",
            "192.0.2.1",
            "http",
            "",
        )
        assert sorted(inbound.headers) == [(b"user_id", b"7"), (b"x-a", b"1"), (b"x-b-bin", b"/w")]
        assert 0 < inbound.deadline - gate.house.clock.now() < 6  # gRPC rounds up
        (record,) = gate.house.telemetry.finished_exchanges
        assert (record[1].outcome, record[1].status, record[1].bytes_in, record[1].bytes_out) == ("ok", 200, 2, 2)
        assert not gate.live.wires


@pytest.mark.parametrize(
    ("method", "metadata", "code", "why"),
    [
        ("/a.B/../C", (), 3, "ambiguous_path"),
        ("/a.B//C", (), 3, "ambiguous_path"),
        ("/a.B/C?x", (), 3, "ambiguous_path"),
        ("/a.B/%43", (), 3, "ambiguous_path"),
        ("/a.B/C", (("authorization", "a"), ("authorization", "b")), 3, "malformed_request"),
        ("/a.B/C", (("connection", "x"),), 3, "malformed_request"),
        ("/a.B/C", (("transfer-encoding", "chunked"),), 3, "malformed_request"),
        ("/a.B/C", tuple((f"x-{n}", "1") for n in range(20)), 8, "headers_too_large"),
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused(method, metadata, code, why):
    async with serving(limits=EdgeLimits(Limits(headers=15))) as gate:
        messages, got, details, _, trailing = await call(gate, method=method, metadata=metadata)
        assert (messages, got, details) == ([], code, why)
        assert trailing["x-request-id"] == "r1"
        assert gate.opened[0].outcome == "refused"


async def test_statuses_and_refusals_are_told_and_recorded():
    async def not_found(client):
        await client.close(5, "gone", [(b"x-why", b"1")])

    async def broken(client):
        await client.send(Message(b"1"))
        raise Refusal("upstream_timeout", "Too slow.", retry_after=2.0)

    for reply, wanted in (
        (doing(not_found), ([], 5, "gone", 404, "ok")),
        (doing(broken), ([b"1"], 4, "Too slow.", 504, "failed")),
        (lambda: Refusal("quota_exceeded"), ([], 8, "quota_exceeded", 429, "refused")),
        (lambda: Reply(403, [], OneFrame()), ([], 7, "", 403, "ok")),  # a policy's own answer in HTTP
    ):
        async with serving(reply) as gate:
            messages, code, details, initial, trailing = await call(gate)
            record = gate.house.telemetry.finished_exchanges[0][1]
            assert (messages, code, details, record.status, record.outcome) == wanted
            assert "x-request-id" in (initial | trailing)
            if code == 4:
                assert trailing["retry-after"] == "2"


async def test_an_unknown_failure_is_internal_and_its_text_is_for_the_log(capsys):
    async def failing(client):
        raise ValueError("the password is x")

    async with serving(doing(failing)) as gate:
        assert (await call(gate))[1:3] == (13, "The gateway failed.")
    assert "the password is x" in capsys.readouterr().err


async def test_a_client_that_leaves_is_gone_and_never_ends_its_messages():
    heard = asyncio.Event()
    seen = []

    async def listening(client):
        try:
            while (message := await client.receive()) is not None:
                seen.append(message.data)
                if message.data == b"2":
                    heard.set()
            seen.append("end")
        except Gone:
            seen.append("gone")
            raise
        await asyncio.Event().wait()

    async with serving(doing(listening)) as gate:
        for _ in range(20):
            begun = gate.channel.stream_stream("/a.B/C")()
            await begun.write(b"1")
            await begun.write(b"2")
            await asyncio.wait_for(heard.wait(), 5)
            heard.clear()
            begun.cancel()
            async with asyncio.timeout(5):
                while gate.opened[-1].outcome is None:
                    await asyncio.sleep(0.005)
            assert (gate.opened[-1].outcome, gate.opened[-1].numbers.status) == ("gone", 499)
    assert "end" not in seen


async def test_a_deadline_is_no_leaving():
    async def waiting(client):
        await asyncio.Event().wait()

    async with serving(doing(waiting)) as gate:
        assert (await call(gate, timeout=0.2))[1] == 4
        async with asyncio.timeout(5):
            while gate.opened[0].outcome is None:
                await asyncio.sleep(0.005)
        assert (gate.opened[0].outcome, gate.opened[0].numbers.status) == ("failed", 504)


async def test_the_end_of_the_process_is_told_in_band():
    started = asyncio.Event()

    async def waiting(client):
        await client.metadata([])
        started.set()
        await asyncio.Event().wait()

    async with serving(doing(waiting)) as gate:
        asking = asyncio.ensure_future(call(gate))
        await asyncio.wait_for(started.wait(), 5)
        gate.live.stop_all()
        _, code, details, _, trailing = await asyncio.wait_for(asking, 5)
        assert (code, details, trailing["retry-after"]) == (14, "The gateway is shutting down.", "1")


async def test_more_calls_than_allowed_are_told_so_and_large_messages_too():
    async def waiting(client):
        await client.metadata([])
        await client.receive()
        await client.receive()

    limits = EdgeLimits(Limits(), body=1000, exchanges=1)
    async with serving(doing(waiting), limits=limits) as gate:
        first = gate.channel.stream_stream("/a.B/C")()
        await first.initial_metadata()
        assert (await call(gate))[1:3] == (14, "overloaded")
        first.cancel()
        async with asyncio.timeout(5):
            while gate.live.wires:
                await asyncio.sleep(0.005)
        assert (await call(gate, message=bytes(2000)))[1] == 8


async def test_a_port_that_is_taken_is_an_oserror():
    async with serving() as gate:
        plane = GrpcPlane(lambda: gate, None, EdgeLimits(Limits()), None, Live(), SystemClock())
        with pytest.raises(OSError, match="cannot listen"):
            await open_server(plane, "127.0.0.1", gate.port, 10, shared=False)
