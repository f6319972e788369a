"""A handshake as a model call, the fields that reach a provider, and the tab of one connection."""

import msgspec
import pytest
from tests.builders import make_inbound
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.core.admission import Taker
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Numbers
from triplegate.core.http import Message
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.edge.serve import open_exchange
from triplegate.gates.llm import deployment, realtime
from triplegate.gates.llm.realtime import Tab, _Counted, keyed, read_opening

CONFIGURATION = """
providers: {voice: {base_url: "URL", speaks: [realtime], key: env:VOICE_KEY}}
models: {talk: {deployments: [{provider: voice, model: gpt-voice/1}]}}
llm: {identity: none, owner: web}
orgs: {acme: {teams: {web: {}}}}
"""


def serving(folder, url):
    return built(folder, CONFIGURATION.replace("URL", url), secrets={"env:VOICE_KEY": "the-gateways-own"})


def handshake(query=b"model=talk", *headers, path="/v1/realtime"):
    made = make_inbound(path=path, headers=headers)
    return msgspec.structs.replace(made, protocol="websocket", query=query)


async def answered(made, inbound):
    exchange = open_exchange(made.gateway.gate_for(inbound.path), inbound)
    reply = await made.gateway.answer(exchange.gate, exchange)
    exchange.close("failed")
    return exchange, reply


async def test_nothing_of_the_clients_reaches_the_provider_but_the_beta(tmp_path):
    async with Upstream(always(answer(b"{}", status=b"400 No"))) as upstream:
        async with serving(tmp_path, f"{upstream.url}/v1") as made:
            theirs = [(b"cookie", b"a=b"), (b"x-mine", b"1"), (b"openai-beta", b"realtime=v1")]
            offered = (b"sec-websocket-protocol", b"realtime, openai-insecure-api-key.the-clients-own")
            _, reply = await answered(made, handshake(b"model=talk", *theirs, offered))
        received = upstream.talks[0].received.lower()
    assert reply.status == 400
    assert received.startswith(b"get /v1/realtime?model=gpt-voice%2f1 http/1.1\r\n")
    assert b"\r\nauthorization: bearer the-gateways-own\r\n" in received
    assert b"\r\nopenai-beta: realtime=v1\r\n" in received
    for word in (b"the-clients-own", b"cookie", b"x-mine", b"sec-websocket-protocol"):
        assert word not in received


async def test_only_its_path_is_a_websocket_and_it_is_nothing_else(tmp_path):
    async with serving(tmp_path, "http://127.0.0.1:1/v1") as made:
        exchange, _ = await answered(made, handshake(path="/v1/chat/completions"))
        assert (exchange.refusal.code, exchange.attempts) == ("websocket_not_served", [])
        exchange, _ = await answered(made, make_inbound(path="/v1/realtime"))
        assert (exchange.refusal.code, exchange.attempts) == ("unsupported_endpoint", [])
        exchange, _ = await answered(made, handshake())
        assert exchange.refusal.code == "upstream_unreachable"


async def test_its_bounds_are_as_written(tmp_path, monkeypatch):
    seen = []

    async def opened(pool, target, headers, dispatch, bounds, deadline):
        seen.append(bounds)
        raise Refusal("upstream_unreachable", "not here")

    monkeypatch.setattr(deployment, "open_websocket", opened)
    text = CONFIGURATION.replace("URL", "http://127.0.0.1:1/v1")
    async with built(tmp_path, text, secrets={"env:VOICE_KEY": "k"}) as made:
        await answered(made, handshake())
        made.take(text.replace("owner: web", "owner: web, realtime: {idle: 5s, max_message: 64KiB, ping: 0}"))
        await answered(made, handshake())
    told = dict.fromkeys((one.most, one.idle, one.ping) for one in seen)
    assert list(told) == [(10 << 20, 300.0, 30.0), (64 << 10, 5.0, 0.0)]


async def test_a_page_of_another_origin_opens_nothing(tmp_path):
    ours, other = (b"origin", b"https://app.test"), (b"origin", b"https://other.test")
    text = CONFIGURATION.replace("URL", "http://127.0.0.1:1/v1")
    async with built(tmp_path, text, secrets={"env:VOICE_KEY": "k"}) as made:
        for fields, code in (((), "upstream_unreachable"), ((ours,), "forbidden_origin")):
            exchange, _ = await answered(made, handshake(b"model=talk", *fields))
            assert exchange.refusal.code == code
        made.take(text.replace("owner: web", 'owner: web, realtime: {allowed_origins: ["https://app.test"]}'))
        for fields, code in (((ours,), "upstream_unreachable"), ((other,), "forbidden_origin")):
            exchange, reply = await answered(made, handshake(b"model=talk", *fields))
            assert exchange.refusal.code == code
    assert (reply.status, exchange.attempts) == (403, [])


async def test_an_answer_that_opens_nothing_is_the_providers_fault(tmp_path):
    async with Upstream(always(answer(b"hello"))) as upstream, serving(tmp_path, upstream.url) as made:
        exchange, reply = await answered(made, handshake())
    assert (exchange.refusal.code, reply.status) == ("upstream_malformed", 502)


async def test_a_refused_credential_of_ours_is_not_the_clients_business(tmp_path):
    said = answer(b'{"error": {"message": "Incorrect API key: the-gateways-own"}}', status=b"401 No")
    async with Upstream(always(said)) as upstream, serving(tmp_path, upstream.url) as made:
        exchange, reply = await answered(made, handshake())
    assert exchange.refusal.code == "upstream_credentials_exhausted"
    assert b"the-gateways-own" not in reply.frames.content


def test_a_web_pages_key_stands_where_keys_are_looked_for_and_nowhere_else():
    offered = b"realtime, openai-insecure-api-key.tg_1_2, openai-beta.realtime-v1"
    seen = keyed(handshake(b"model=talk", (b"sec-websocket-protocol", offered)))
    assert seen.header(b"authorization") == b"Bearer tg_1_2"
    assert seen.header(b"sec-websocket-protocol") == b"realtime"
    assert seen.header(b"openai-beta") == b"realtime=v1"
    assert keyed(seen) is seen
    call = read_opening(seen)
    assert (call.look.accepted, call.look.beta) == ([(b"sec-websocket-protocol", b"realtime")], b"realtime=v1")
    alone = keyed(handshake(b"model=talk", (b"sec-websocket-protocol", b"openai-insecure-api-key.tg_1_2")))
    assert (alone.header(b"sec-websocket-protocol"), read_opening(alone).look.accepted) == (None, [])


def test_two_keys_are_refused():
    offered = (b"sec-websocket-protocol", b"openai-insecure-api-key.tg_1_2")
    for field in ((b"authorization", b"Bearer tg_3_4"), (b"x-api-key", b"tg_3_4")):
        with pytest.raises(Refusal) as caught:
            keyed(handshake(b"model=talk", offered, field))
        assert caught.value.code == "malformed_request"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (b"", "invalid_body"),
        (b"model=", "invalid_body"),
        (b"model=talk&call_id=1", "unsupported_parameter"),
        (b"intent=transcription&model=talk", "unsupported_parameter"),
        (b"model=talk&mod%65l=other", "unsupported_parameter"),
    ],
)
def test_a_handshake_says_the_model_and_nothing_else(query, code):
    with pytest.raises(Refusal) as caught:
        read_opening(handshake(query))
    assert caught.value.code == code


class Held:
    """A hold with room for so many tokens."""

    def __init__(self, room):
        self.room, self.settled = room, None

    async def extend(self, actual):
        return actual["total"] <= self.room

    def settle(self, actual):
        self.settled = actual["total"]

    release = settle


class Talking:
    """A client that is told things."""

    def __init__(self):
        self.sent = []

    async def send(self, message):
        self.sent.append(message)


async def test_a_limit_that_is_reached_ends_it_after_the_response_that_reached_it(tmp_path):
    done = b'{"type":"response.done","response":{"usage":{"input_tokens":60,"output_tokens":0}}}'
    async with serving(tmp_path, "http://127.0.0.1:1/v1") as made:
        exchange = open_exchange(made.gateway.gate_for("/v1/realtime"), handshake())
        exchange.call = read_opening(exchange.inbound)
        target = exchange.gate._models["talk"].route.targets[0][0]
        attempt = Attempt(1, target, "first", None, [], 0.0, Numbers(), Usage())
        exchange.attempts.append(attempt)
        exchange.admission = Taker(made.kit.admission, (), exchange)
        held = Held(100)
        exchange.admission.holds.append(held)
        client = Talking()
        counted = _Counted(client, Tab(exchange, attempt, exchange.call), ("talk", "gpt-voice"), servers=False)
        await counted.send(Message(done, text=True))
        with pytest.raises(Refusal) as caught:
            await counted.send(Message(done, text=True))
        assert (caught.value.code, len(client.sent)) == ("budget_exceeded", 2)
        exchange.close("refused")
        assert held.settled == 120


async def test_each_response_is_priced_by_itself_and_what_is_under_way_is_booked_at_the_end(tmp_path):
    async with serving(tmp_path, "http://127.0.0.1:1/v1") as made:
        exchange: Exchange = open_exchange(made.gateway.gate_for("/v1/realtime"), handshake())
        exchange.call = read_opening(exchange.inbound)
        model = exchange.gate._models["talk"]
        target = msgspec.structs.replace(model.route.targets[0][0], price=Price(version="p", input=3))
        attempt = Attempt(1, target, "first", None, [], 0.0, Numbers(), Usage())
        exchange.attempts.append(attempt)
        tab = Tab(exchange, attempt, exchange.call)
        tab.open()
        one = Usage(input_uncached=1_000_000, source="provider")
        tab.add(one)
        first = attempt.cost
        tab.add(one)
        assert (attempt.cost, exchange.numbers.list_cost, first > 0) == (2 * first, 2 * first, True)
        assert (one.input_uncached, exchange.usage.input_uncached) == (1_000_000, 2_000_000)
        tab.conversation.heard(b'{"type":"response.created"}')
        exchange.close("gone")
        assert (exchange.usage.source, exchange.usage.input_uncached) == ("partial", 2_000_001)


class Saying(Talking):
    """A client that says things, and is told others."""

    def __init__(self, *said):
        super().__init__()
        self.said = [Message(text, text=True) for text in said]

    async def receive(self):
        return self.said.pop(0) if self.said else None


class Plain:
    """A tab that nobody reads."""

    def __init__(self):
        self.conversation = self

    def said(self, text):
        pass


async def test_servers_of_clients_are_answered_here_unless_they_are_left_to_the_provider():
    server = b'{"event_id":"e","type":"session.update","session":{"tools":[{"type":"mcp","server_url":"https://x"}]}}'
    other = b'{"type":"response.create"}'
    client = Saying(server, other)
    counted = _Counted(client, Plain(), ("talk", "gpt-voice"), servers=False)
    assert (await counted.receive()).data == other
    [told] = [msgspec.json.decode(message.data)["error"] for message in client.sent]
    assert (told["code"], told["param"], told["event_id"]) == ("mcp_server_unknown", "tools", "e")
    client = Saying(server)
    assert (await _Counted(client, Plain(), ("talk", "gpt-voice"), servers=True).receive()).data == server
    assert client.sent == []


@pytest.mark.parametrize(
    ("model", "gate", "servers"),
    [("", "", False), (", mcp_elsewhere: forward", "", True), ("", ", mcp_tools: {elsewhere: forward}", True)],
)
async def test_whose_servers_are_left_to_the_provider_is_as_written(tmp_path, monkeypatch, model, gate, servers):
    seen = []

    async def dial(*given, servers):
        seen.append(servers)
        raise Refusal("upstream_unreachable", "not here")

    monkeypatch.setattr(realtime, "dial", dial)
    text = CONFIGURATION.replace("URL", "http://127.0.0.1:1/v1").replace("gpt-voice/1}]", f"gpt-voice/1}}]{model}")
    async with built(
        tmp_path, text.replace("owner: web}", f"owner: web{gate}}}"), secrets={"env:VOICE_KEY": "k"}
    ) as made:
        await answered(made, handshake())
    assert set(seen) == {servers}
