"""What a guard forbids reaches no client and no server: in every era, whole and streamed, remembered, asked for."""

import contextlib
import json

import pytest
from mcp.shared.exceptions import MCPError
from tests.builders import make_exchange
from tests.gates.built import built
from tests.gates.mcp.messages import META, MODERN, official
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_results import Pieces
from tests.wire.screening.test_tools import ATTACK, CARD, EMAIL, EVERYWHERE, PICTURE, guard, notification, response

from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.core.watching import Look
from triplegate.gates.mcp import guarding
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.guarding import guard_of
from triplegate.samples.http import Answer, Server

CALL = McpCall("request", method="tools/call", id=b"7")
TOOL = {"name": "t", "annotations": {"readOnlyHint": True, "idempotentHint": True}}
MIRRORED = {
    "name": "m",
    "inputSchema": {"type": "object", "properties": {"to": {"type": "string", "x-mcp-header": "To"}}},
}


def event(message):
    return b"event: message\ndata: %b\n\n" % message


async def read(reply):
    return b"".join([frame async for frame in reply.frames])


def looked_at(action="block", **more):
    exchange = make_exchange()
    guard(action, **more).enter_tools(exchange)
    return guard_of(exchange, CALL)


async def test_where_nobody_looks_there_is_nothing_in_between():
    assert guard_of(make_exchange(), CALL) is None


NOTE, RESULT = notification(level="info", data=f"mail {EMAIL}"), response(EVERYWHERE["text"])
QUESTION = b'{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"%b?"}}' % CARD.encode()


@pytest.mark.parametrize("last", [RESULT, QUESTION + b" "])
@pytest.mark.parametrize("action", ["block", "mask"])
async def test_however_a_stream_is_cut_nothing_of_it_is_told(action, last):
    text = event(notification(level="info", data="fine")) + event(NOTE) + b": " + EMAIL.encode() + b"\n\n" + event(last)
    for at in range(1, len(text), 3):
        frames = Pieces(text[:at], text[at:])
        reply = await looked_at(action)(Reply(200, [], frames, form="events"))
        sent = (await read(reply)).decode()
        assert not any(piece in sent for piece in (CARD, EMAIL))
        assert "fine" in sent
        if action == "mask":
            assert "mail <EMAIL_1>" in sent
            assert "<CARD_1>" in sent
        else:
            end = json.loads(sent.strip().rpartition("data: ")[2])
            assert (end["id"], end["error"]["code"], end["error"]["message"]) == (
                7,
                -32602,
                "A guard forbids what the answer says.",
            )
            assert reply.frames.answered
            assert frames.closed


async def test_a_stream_in_which_nothing_is_found_goes_on_as_it_came():
    text = b"data: %b\n\n" % response({"content": []})
    reply = await looked_at()(Reply(200, [], Pieces(event(notification(level="info", data="x")), text), form="events"))
    assert await read(reply) == event(notification(level="info", data="x")) + text


async def test_of_an_event_only_its_message_goes_on():
    raw = b"id: %b\nevent: %b\nretry: 7\n: %b\ndata: %b\n\n" % (*[CARD.encode()] * 3, response({}))
    reply = await looked_at()(Reply(200, [], Pieces(raw), form="events"))
    assert await read(reply) == event(response({}))


async def test_a_stream_that_breaks_off_breaks_off():
    reply = await looked_at()(Reply(200, [], Pieces(b": a\n\n", fails=True), form="events"))
    with pytest.raises(Refusal, match="upstream_reset"):
        await read(reply)
    reply.frames.close()
    assert reply.frames.ready


async def test_a_large_result_is_looked_at_beside_the_loop(monkeypatch):
    monkeypatch.setattr(guarding, "_ON_LOOP", 100)
    reply = await looked_at("mask")(Reply(200, [], OneFrame(response(EVERYWHERE["structured"] | {"x": "y" * 200}))))
    assert b"<CARD_1>" in await read(reply)
    with pytest.raises(Refusal, match="content_blocked"):
        await looked_at()(Reply(200, [], OneFrame(response(EVERYWHERE["structured"] | {"x": "y" * 200}))))


async def test_all_who_look_do_the_innermost_first():
    class Adds(Look):
        def __init__(self, mark):
            self.mark = mark

        def __call__(self):
            return self

        def feed(self, messages):
            return [message + self.mark for message in messages]

    exchange = make_exchange()
    exchange.look(Adds(b"outer"))
    exchange.look(Adds(b"inner "))
    assert await read(await guard_of(exchange, CALL)(Reply(200, [], OneFrame(b"said ")))) == b"said inner outer"


# through the gate ----------------------------------------------------------------------------------------------------
class Telling(Offering):
    """Tells what a test wants, as JSON or behind other messages in a stream; keeps what clients answer."""

    def __init__(self, era):
        resource = json.dumps({"uri": f"{era}:r", "name": "r"}).encode()
        tools = f"{json.dumps(TOOL)},{json.dumps(MIRRORED)}".encode()
        super().__init__(era, completions=True, tools=tools, prompts=b'{"name":"p"}', resources=resource)
        self.result, self.before, self.answers = {"content": []}, None, []

    def answer(self, method, params):
        told = method in ("tools/call", "prompts/get", "resources/read", "completion/complete")
        return self.result if told else super().answer(method, params)

    async def __call__(self, request):
        text = await request.body()
        if text and b'"method"' not in text:
            self.answers.append(text.decode())
            return Answer(status=202)
        answer = await super().__call__(Read(text, request.headers))
        if self.before is not None and self.methods[-1] == "tools/call":
            answer.body = b"".join(map(event, self.before)) + event(answer.body)
            answer.headers = [("content-type", "text/event-stream")]
        return answer


class Read:
    """A request whose body has been read."""

    def __init__(self, text, headers):
        self.text, self.headers = text, headers

    async def body(self):
        return self.text


class Client:
    """Asks on one path in its era; what it is sent is in `sent`."""

    def __init__(self, made, era, path):
        self.made, self.era, self.path, self.session, self.sent = made, era, path, "", ""

    async def post(self, body, headers=()):
        headers = [(b"content-type", b"application/json"), *headers]
        if self.session:
            headers.append((b"mcp-session-id", self.session.encode()))
        exchange, wire = await self.made.serve("POST", self.path, headers=headers, body=json.dumps(body).encode())
        self.sent = wire.content.decode()
        return exchange, wire

    async def ask(self, method, params, headers=()):
        if self.era == "modern":
            params = {"_meta": META, **params}
            told = [(b"mcp-protocol-version", MODERN.encode()), (b"mcp-method", method.encode())]
            if "name" in params or "uri" in params:
                told.append((b"mcp-name", (params.get("name") or params["uri"]).encode()))
            headers = [*told, *headers]
        elif not self.session:
            _, wire = await self.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO})
            self.session = wire.field(b"mcp-session-id").decode()
        exchange, _ = await self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, headers)
        return exchange, self.last

    @property
    def messages(self):
        text = self.sent.strip()
        if not text.startswith(("event", "id", "data", ":")):
            return [json.loads(text)]
        return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]

    @property
    def last(self):
        return self.messages[-1]


HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "t", "version": "1"},
}
ERAS = ("modern", "legacy")


@contextlib.asynccontextmanager
async def guarded(folder, more=""):
    """A gateway with a server of each era, and a path for each thing that a guard may do."""
    tellers = {era: Telling(era) for era in ERAS}
    async with Server(tellers["modern"]) as modern, Server(tellers["legacy"]) as legacy:
        text = CONFIGURATION.format(modern=modern.url, legacy=legacy.url) + more
        async with built(folder, text) as made:
            yield made, tellers


CONFIGURATION = """
mcp: {{allowed_hosts: [a.test]}}
servers:
  modern: {{url: "{modern}/mcp", policies: [{{use: guardrail, name: own, on: [input], words: [falcon]}}]}}
  legacy:
    url: "{legacy}/mcp"
    policies: [{{use: guardrail, name: own, on: [input], words: [falcon]}}]
    remember: {{tools: [t], ttl: 1h}}
virtual_servers:
  block:
    tools: ["*"]
    prompts: ["*"]
    resources: ["*"]
    policies: [{{use: guardrail, name: g, pii: [card, email]}}]
  mask:
    tools: ["*"]
    policies: [{{use: guardrail, name: g, pii: [card, email], action: mask, blobs: pass}}]
  back:
    tools: ["*"]
    policies: [{{use: guardrail, name: g, pii: [card, email], action: mask, reversible: true, on: [input]}}]
  note:
    tools: ["*"]
    policies: [{{use: guardrail, name: g, injection: 0.6, action: annotate, on: [tool_results]}}]
"""


def asked(server):
    return {
        "prompts/get": {"name": f"{server}__p"},
        "resources/read": {"uri": f"{server}:r"},
        "completion/complete": {
            "ref": {"type": "ref/prompt", "name": f"{server}__p"},
            "argument": {"name": "a", "value": "b"},
        },
        "tools/call": {"name": f"{server}__t", "arguments": {"x": "fine"}},
    }


def holds_any(text):
    return [piece for piece in (CARD, EMAIL, "4111111111111111") if piece in text]


async def test_in_every_pair_no_place_of_an_answer_tells_it(tmp_path):
    async with guarded(tmp_path) as (made, tellers):
        for client in ERAS:
            for server, told in tellers.items():
                asks = Client(made, client, "/mcp/block")
                for before in (None, [NOTE]):
                    await no_place_tells_it(asks, server, told, before)
                told.result = {"content": [{"type": "text", "text": "fine"}]} | complete(server)
                _, answer = await asks.ask("tools/call", asked(server)["tools/call"] | {"arguments": {"other": client}})
                assert answer["result"]["content"][0]["text"] == "fine"
                assert not holds_any(asks.sent)
                assert client == "modern" or EMAIL not in asks.sent


def complete(server):
    return {"resultType": "complete"} if server == "modern" else {}


async def no_place_tells_it(asks, server, told, before):
    told.before = before
    for number, place in enumerate(("text", "structured", "question")):
        if place == "question" and server == "legacy":
            continue
        told.result = complete(server) | EVERYWHERE[place]
        calls = asked(server)
        calls["tools/call"]["arguments"] = {"n": number}
        if place != "text" or before is not None:
            calls = {"tools/call": calls["tools/call"]}
        for method, params in calls.items():
            exchange, answer = await asks.ask(method, params)
            assert not holds_any(asks.sent), (asks.era, server, place, method)
            assert answer["error"]["message"] == "A guard forbids what the answer says.", (asks.era, server, place)
            assert ("g", "block") in [one[:2] for one in exchange.decisions]


async def test_masked_it_is_the_same_answer_and_remembered_answers_are_looked_at_for_each_caller(tmp_path):
    async with guarded(tmp_path) as (made, tellers):
        for client in ERAS:
            for server, told in tellers.items():
                told.result = {"content": [{"type": "text", "text": f"of {EMAIL}"}], "n": 1.5} | complete(server)
                params = {"name": f"{server}__t", "arguments": {"to": EMAIL}}
                plain = Client(made, client, "/mcp")
                _, answer = await plain.ask("tools/call", params | {"arguments": {"to": "<EMAIL_1>"}})
                assert answer["result"]["content"][0]["text"] == f"of {EMAIL}"
                calls = told.methods.count("tools/call")
                exchange, answer = await Client(made, client, "/mcp/mask").ask("tools/call", params)
                assert answer["result"]["content"][0]["text"] == "of <EMAIL_1>"
                assert answer["result"]["n"] == 1.5
                assert exchange.decisions.count(("g", "mask", "email=1")) == 2
                assert told.asked[-1][1]["arguments"] == {"to": "<EMAIL_1>"}
                if server == "legacy" and client == "modern":
                    assert told.methods.count("tools/call") == calls
                    assert exchange.numbers.cache == "hit"


async def test_of_a_guard_for_all_gates_the_part_that_is_not_for_models_alone_holds_here(tmp_path):
    more = "gateway: {policies: [{use: guardrail, name: all, pii: [card], languages: [de]}]}\n"
    async with guarded(tmp_path, more) as (made, tellers):
        tellers["modern"].result = {"content": [{"type": "text", "text": "This is not German."}]} | complete("modern")
        asks, params = Client(made, "modern", "/mcp"), {"name": "modern__t", "arguments": {"x": "Nor is this text."}}
        _, answer = await asks.ask("tools/call", params)
        assert answer["result"]["content"][0]["text"] == "This is not German."
        exchange, answer = await asks.ask("tools/call", params | {"arguments": {"x": CARD}})
        assert answer["error"]["message"] == "A guard forbids what the call says."
        assert ("all", "block", "card=1") in exchange.decisions


async def test_pictures_are_refused_by_name_or_pass(tmp_path):
    async with guarded(tmp_path) as (made, tellers):
        for server, told in tellers.items():
            told.result = {"content": [{"type": "image", "data": PICTURE, "mimeType": "image/png"}]} | complete(server)
            params = {"name": f"{server}__t"}
            _, answer = await Client(made, "modern", "/mcp/block").ask("tools/call", params)
            assert answer["error"]["message"] == "A guard here cannot look at what is no text in the answer."
            _, answer = await Client(made, "legacy", "/mcp/mask").ask("tools/call", params)
            assert answer["result"]["content"][0]["data"] == PICTURE


async def test_what_was_masked_comes_back_to_its_caller(tmp_path):
    async with guarded(tmp_path) as (made, tellers):
        for client in ERAS:
            for server, told in tellers.items():
                told.result = {"content": [{"type": "text", "text": "sent to <EMAIL_1>"}]} | complete(server)
                params = {"name": f"{server}__t", "arguments": {"to": EMAIL}}
                _, answer = await Client(made, client, "/mcp/back").ask("tools/call", params)
                assert told.asked[-1][1]["arguments"] == {"to": "<EMAIL_1>"}
                assert answer["result"]["content"][0]["text"] == f"sent to {EMAIL}"


async def test_orders_hidden_in_an_answer_are_noted(tmp_path):
    async with guarded(tmp_path) as (made, tellers):
        tellers["modern"].result = {"content": [{"type": "text", "text": ATTACK}], "resultType": "complete"}
        exchange, answer = await Client(made, "modern", "/mcp/note").ask("tools/call", {"name": "modern__t"})
        assert answer["result"]["content"][0]["text"] == ATTACK
        assert ("g", "annotate", "injection=1") in exchange.decisions
        assert (b"x-triplegate-guard", b"injection=1") in exchange.reply_headers


async def test_what_a_header_mirrors_is_masked_with_its_argument(tmp_path):
    async with guarded(tmp_path) as (made, tellers):
        params = {"name": "modern__m", "arguments": {"to": EMAIL}}
        headers = [(b"mcp-param-to", EMAIL.encode()), (b"mcp-param-more", CARD.encode())]
        tellers["modern"].result |= {"resultType": "complete"}
        await Client(made, "modern", "/mcp/mask").ask("tools/call", params, headers)
        _, said, sent = tellers["modern"].asked[-1]
        assert said["arguments"] == {"to": "<EMAIL_1>"}
        assert sent["mcp-param-to"] == "<EMAIL_1>"
        assert not holds_any(str(sent))


async def test_a_server_s_own_guard_looks_at_what_it_is_told_by_every_way(tmp_path):
    question = {"method": "elicitation/create", "params": {"message": "who?", "requestedSchema": {"type": "object"}}}
    async with guarded(tmp_path) as (made, tellers):
        for server, told in tellers.items():
            _, answer = await Client(made, "modern", "/mcp").ask(
                "tools/call", {"name": f"{server}__t", "arguments": {"about": "the falcon"}}
            )
            assert answer["error"]["message"] == "A guard forbids what the call says."
            assert "tools/call" not in told.methods
        told.before = [json.dumps({"jsonrpc": "2.0", "id": "theirs", **question}).encode()]
        asks = Client(made, "legacy", "/mcp")
        await asks.ask("tools/call", {"name": "legacy__t", "arguments": {}})
        identity = asks.messages[0]["id"]
        for about, status in (("the falcon", 400), ("the eagle", 202)):
            result = {"action": "accept", "content": {"about": about}}
            _, wire = await asks.post({"jsonrpc": "2.0", "id": identity, "result": result})
            assert wire.status == status
        assert [json.loads(answer)["result"]["content"] for answer in told.answers] == [{"about": "the eagle"}]


async def test_a_state_fits_the_call_although_its_arguments_are_masked(tmp_path):
    request = {"method": "elicitation/create", "params": {"message": f"Is {EMAIL} right?", "requestedSchema": {}}}
    async with guarded(tmp_path) as (made, tellers):
        told = tellers["modern"]
        told.result = {"resultType": "input_required", "inputRequests": {"a": request}, "requestState": EMAIL}
        params = {"name": "modern__t", "arguments": {"to": EMAIL}}
        asks = Client(made, "modern", "/mcp/mask")
        _, answer = await asks.ask("tools/call", params)
        assert answer["result"]["inputRequests"]["a"]["params"]["message"] == "Is <EMAIL_1> right?"
        assert answer["result"]["requestState"] == EMAIL
        asks = Client(made, "legacy", "/mcp/mask")
        exchange, reply = await begin(asks, "tools/call", params)
        assert b"Is <EMAIL_1> right?" in await reply.frames.__anext__()
        reply.frames.close()
        exchange.close("gone")


async def begin(asks, method, params):
    """The reply to a call in a session that waits for its client."""
    await asks.ask("tools/list", {})
    headers = [(b"content-type", b"application/json"), (b"mcp-session-id", asks.session.encode())]
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()
    return await asks.made.answer("POST", asks.path, headers=headers, body=body)


async def test_official_clients_are_told_and_go_on(house, sample):
    told = CONFIGURATION.format(modern=(await sample("modern")).url, legacy=(await sample("legacy")).url)
    gate = await house(told.replace("mcp: {allowed_hosts: [a.test]}\n", ""))
    key = gate.key()
    for mode in ("auto", "legacy"):
        async with official(f"{gate.url}/mcp/block", key, mode) as client:
            for server in ERAS:
                with pytest.raises(MCPError, match="A guard forbids what the call says"):
                    await client.call_tool(f"{server}__echo", {"text": f"to {EMAIL}"})
                assert (await client.call_tool(f"{server}__echo", {"text": "fine"})).content[0].text == "fine"
        async with official(f"{gate.url}/mcp/back", key, mode) as client:
            for server in ERAS:
                said = await client.call_tool(f"{server}__echo", {"text": f"to {EMAIL}"})
                assert said.content[0].text == f"to {EMAIL}"
