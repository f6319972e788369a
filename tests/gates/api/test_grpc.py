"""gRPC services at the api gate: what is relayed, what is tried elsewhere, what is learned of how it went."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.builders import make_inbound
from tests.gates.built import built
from tests.journeys.running import free_port
from tests.servers.grpc import echoing

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Channel, Message
from triplegate.edge.serve import open_exchange
from triplegate.samples.grpc_echo import INITIAL, SERVICE


def text(*urls, more=""):
    endpoints = ", ".join(f'"{url}"' for url in urls)
    return f"""services: {{e: {{endpoints: [{endpoints}], protocol: grpc{more}}}}}
routes: {{e: {{service: e, match: {{grpc: {{service: {SERVICE}}}}}, owner: web, identity: none}}}}
"""


class Client(Channel):
    """A gRPC client of a script."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.told = []
        self.gone = False
        self.ended = asyncio.Event()

    async def accept(self, headers):
        raise AssertionError("the edge accepts")

    async def metadata(self, headers):
        self.told.append(("metadata", dict(headers)))

    async def receive(self):
        if not self.messages:
            return None
        message = self.messages.pop(0)
        if message is Gone:
            raise Gone
        return Message(message)

    async def send(self, message):
        self.told.append(("message", message.data))

    async def close(self, code, reason="", trailers=()):
        self.told.append(("end", code, reason))


def opened(made, method, *, headers=(), deadline=None):
    plain = make_inbound("POST", f"/{SERVICE}/{method}", headers)
    inbound = replace(plain, protocol="grpc", http_version="2", deadline=deadline, listener="grpc")
    return open_exchange(made.gateway.gate_for("/x"), inbound)


async def called(made, method, *messages, **more):
    """The exchange, its reply, and what the client was told."""
    exchange = opened(made, method, **more)
    reply = await made.gateway.answer(exchange.gate, exchange)
    client = Client(*messages)
    if exchange.refusal is None:
        await reply.run(client)
    return exchange, reply, client.told


async def test_messages_go_both_ways_and_the_upstreams_status_ends_it(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        exchange, reply, told = await called(made, "Chat", b"1", b"2", headers=[(INITIAL.encode(), b"a")])
        assert told == [("metadata", {INITIAL.encode(): b"a"}), ("message", b"1"), ("message", b"2"), ("end", 0, "")]
        assert reply.status == 200
        (attempt,) = exchange.attempts
        assert (attempt.numbers.status, attempt.error_class, exchange.target) == (200, "", "e")
        assert attempt.numbers.upstream_head >= attempt.numbers.dispatched
        _, _, told = await called(made, "Fail", headers=[(b"x-status", b"7")])
        assert told == [("end", 7, "failed as asked")]  # a status and nothing besides: no metadata before it


async def test_one_service_of_a_route_may_have_its_own_rewrite(tmp_path):
    async with echoing() as echo:
        own = f"services: [{{service: e, policies: [{{use: rewrite, path: /{SERVICE}/Chat}}]}}]"
        async with built(tmp_path, text(echo.url).replace("service: e,", own + ",")) as made:
            _, _, told = await called(made, "Nothing", b"1")
            assert (told[-2:]) == [("message", b"1"), ("end", 0, "")]


async def test_a_call_goes_to_another_endpoint_when_one_cannot_be_reached(tmp_path):
    async with echoing() as echo:
        closed = f"http://127.0.0.1:{free_port()}"
        async with built(tmp_path, text(closed, echo.url)) as made:
            for _ in range(3):
                _, _, told = await called(made, "Echo", b"1")
                assert told[-2:] == [("message", b"1"), ("end", 0, "")]
        async with built(tmp_path, text(closed)) as made:
            exchange, reply, _ = await called(made, "Echo", b"1")
            assert exchange.refusal.code == "upstream_unreachable"
            assert (reply.status, dict(reply.headers)[b"grpc-status"]) == (502, b"14")


async def test_a_breaker_opens_by_statuses_but_not_by_a_clients_own_deadline(tmp_path):
    rules = ", policies: [{use: breaker, failures: 2, open_for: 60s}]"
    async with echoing() as echo, built(tmp_path, text(echo.url, more=rules)) as made:
        for _ in range(4):
            exchange, _, told = await called(made, "Wait", deadline=made.kit.clock.now() + 0.1)
            assert told[-1][:2] == ("end", 4)
            assert exchange.attempts[0].error_class == "client"
        for _ in range(4):
            await called(made, "Fail", headers=[(b"x-status", b"5")])
        for _ in range(2):
            exchange, _, told = await called(made, "Fail", headers=[(b"x-status", b"14")])
            assert (exchange.attempts[0].error_class, exchange.attempts[0].numbers.status) == ("overload", 503)
        exchange, _, _ = await called(made, "Echo", b"1")
        assert exchange.refusal.code == "upstream_open"


async def test_a_deadline_that_has_passed_sends_nothing(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        exchange, reply, _ = await called(made, "Echo", deadline=made.kit.clock.now() - 1)
        assert (exchange.refusal.code, dict(reply.headers)[b"grpc-status"]) == ("upstream_timeout", b"4")
        assert not echo.ended


async def test_silence_of_the_upstream_is_a_refusal_that_counts_against_it(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url, more=", timeouts: {idle: 100ms}")) as made:
        exchange = opened(made, "Wait")
        reply = await made.gateway.answer(exchange.gate, exchange)
        with pytest.raises(Refusal) as refused:
            await reply.run(Client())
        assert refused.value.code == "upstream_timeout"
        assert exchange.attempts[0].error_class == "transient"


async def test_a_client_that_leaves_in_the_middle_never_completes_its_messages(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        exchange = opened(made, "Collect")
        reply = await made.gateway.answer(exchange.gate, exchange)
        with pytest.raises(asyncio.CancelledError):
            await reply.run(Client(b"1", Gone))
        async with asyncio.timeout(5):
            while echo.active["Collect"] or not echo.cancelled["Collect"]:
                await asyncio.sleep(0.01)
        assert not echo.ended["Collect"]


async def test_a_route_to_plain_http_takes_no_grpc(tmp_path):
    async with built(tmp_path, text("http://127.0.0.1:1").replace("protocol: grpc", "protocol: http")) as made:
        exchange, reply, _ = await called(made, "Echo", b"1")
        assert exchange.refusal.code == "route_not_found"
        assert dict(reply.headers)[b"grpc-status"] == b"12"


async def test_a_reload_keeps_the_channel_and_the_second_one_without_it_closes_it(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        await called(made, "Echo", b"1")
        (channel,) = [one for kind, one in made.kit.states._kept.items() if kind[0].__name__ == "GrpcChannel"]
        made.take(text(echo.url) + "plans: {a: {}}\n")
        assert channel.connected
        made.take("plans: {a: {}}\n")
        made.take("plans: {b: {}}\n")
        assert channel.retired
