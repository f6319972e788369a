"""Servers by label and address, and what a call of the mcp gate may answer."""

import json

import msgspec
import pytest
from tests.builders import ALICE, make_exchange, make_inbound, make_kit
from tests.config.policies import REGISTRY

from triplegate.config.load import load
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.gates.llm.tool_catalog import Place, ToolCatalog
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool, Wanted

TEXT = """
orgs: {acme: {teams: {web: {}, lab: {}}}}
mcp: {path: /tools}
servers:
  orders: {url: "http://127.0.0.1:1/mcp", alias: o}
  hidden: {url: "http://127.0.0.1:1/mcp", teams: [lab]}
virtual_servers: {dev: {tools: ["*"]}}
"""


class Inside:
    """Answers calls within the process."""

    def __init__(self, *bodies, status=200, kind=b"application/json"):
        self.bodies, self.status, self.kind, self.asked = list(bodies), status, kind, []

    def call(self, parent, inbound):
        self.asked.append(inbound)
        return self

    async def __aenter__(self):
        body = self.bodies.pop(0)
        text = body if isinstance(body, bytes) else json.dumps({"jsonrpc": "2.0", "id": 1, **body}).encode()
        return Reply(self.status, [(b"content-type", self.kind)], OneFrame(text))

    async def __aexit__(self, *exc):
        return None


@pytest.fixture
def catalog(tmp_path):
    (tmp_path / "triplegate.yaml").write_text(TEXT)
    documents = load(tmp_path, REGISTRY, environment={}).documents

    def make(inside=None):
        kit = make_kit()
        kit.reenter = inside
        return ToolCatalog(documents, kit)

    return make


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"server_label": "dev"}, Place("/tools/dev")),
        ({"server_label": "orders"}, Place("/tools", "orders", "o__")),
        ({"server_label": "o"}, Place("/tools", "orders", "o__")),
        ({"server_label": "x", "server_url": "http://Api.test/tools"}, Place("/tools")),
        ({"server_label": "x", "server_url": "https://api.test:443/tools/dev"}, Place("/tools/dev")),
        ({"server_label": "x", "server_url": "https://api.test:8443/tools"}, None),
        ({"server_label": "x", "server_url": "https://api.test/toolsmith"}, ""),
        ({"server_label": "x", "server_url": "https://api.test/tools/dev?x=1"}, ""),
        ({"server_label": "x", "server_url": "https://user@api.test/tools"}, None),
        ({"server_label": "x", "server_url": "ftp://api.test/tools"}, None),
        ({"server_label": "dev", "server_url": "https://mcp.example.com"}, None),
        ({"server_label": "dev", "connector_id": "connector_gmail"}, None),
        ({"server_label": "dev", "tunnel_id": "t"}, None),
    ],
)
def test_a_server_is_ours_by_label_or_by_its_address_here(catalog, wanted, found):
    inbound = msgspec.structs.replace(make_inbound("POST", "/v1/responses"), host="api.test")
    if found == "":
        with pytest.raises(Refusal, match="mcp_server_unknown"):
            catalog().place(Wanted(**wanted), inbound)
    else:
        assert catalog().place(Wanted(**wanted), inbound) == found


async def test_pages_are_read_and_one_server_is_asked_for(catalog):
    inside = Inside({"result": {"tools": [{"name": "a"}], "nextCursor": "n"}}, {"result": {"tools": [{"name": "b"}]}})
    listed = await catalog(inside).list(make_exchange(principal=ALICE), Place("/tools", "orders"))
    assert [bytes(tool) for tool in listed.tools] == [b'{"name": "a"}', b'{"name": "b"}']
    asked = [json.loads(inbound.body.content)["params"] for inbound in inside.asked]
    assert [one["_meta"]["triplegate.dev/server"] for one in asked] == ["orders", "orders"]
    assert asked[1]["cursor"] == "n"
    assert {inbound.host for inbound in inside.asked} == {"localhost"}
    assert not any(name == b"authorization" for inbound in inside.asked for name, _ in inbound.headers)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"error": {"code": -32602, "message": "Unknown server: x"}}, 400, None),
        ({"error": {"code": -32600, "message": "no"}}, 404, None),
        ({"error": {"code": -32603, "message": "broken"}}, 500, "broken"),
        ({"result": {"tools": [], "_meta": {"triplegate.dev/unavailable": ["x"]}}}, 200, "The server does not answer"),
        ({"result": {"tools": []}}, 200, None),
    ],
)
async def test_what_is_hidden_is_unknown_and_what_fails_says_so(catalog, body, status, error):
    listed = await catalog(Inside(body, status=status)).list(make_exchange(principal=ALICE), Place("/tools", "x"))
    assert listed is None if error is None else listed.error.startswith(error)


async def called(catalog, inside, arguments="{}", schema=b"{}"):
    tool = Tool("l", "o__näme", "/tools", "f", "", Raw(schema), Raw(b"null"), yes=False)
    return await catalog(inside).call(make_exchange(principal=ALICE), tool, arguments)


async def test_a_call_has_the_headers_that_the_gate_compares(catalog):
    schema = b'{"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}'
    inside = Inside({"result": {"content": [{"type": "text", "text": "ok"}]}})
    assert (await called(catalog, inside, '{"region":"eu"}', schema)).text == "ok"
    headers = dict(inside.asked[0].headers)
    assert headers[b"mcp-param-region"] == b"eu"
    assert headers[b"mcp-name"].startswith(b"=?base64?")


async def test_streams_of_events_are_read_to_their_response(catalog):
    events = [{"jsonrpc": "2.0", "method": "n"}, {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}]
    text = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    told = await called(catalog, Inside(text, kind=b"text/event-stream"))
    assert (told.text, told.error) == ("", None)


@pytest.mark.parametrize(
    ("inside", "arguments", "said"),
    [
        (Inside(b"x"), "{}", "cannot be read"),
        (Inside(b'"%b"' % (b"x" * 4 * 1024 * 1024)), "{}", "too large"),
        (Inside(), "[]", "must be an object"),
        (Inside(), "{", "no JSON"),
        (None, "{}", "at the moment"),
    ],
)
async def test_what_cannot_be_done_is_told_to_the_model(catalog, inside, arguments, said):
    told = await called(catalog, inside, arguments)
    assert said in told.text
    assert told.error["type"] == "mcp_protocol_error"


NEEDS = {"error": {"code": -32021, "message": "needs a yes"}}
ASKS = {"result": {"resultType": "input_required", "inputRequests": {"approval:1": {}}, "requestState": "s"}}
DONE = {"result": {"content": [{"type": "text", "text": "done"}]}}


async def test_a_yes_answers_the_gates_own_question_and_no_other(catalog):
    tool = Tool("l", "o__x", "/tools", "f", "", Raw(b"{}"), Raw(b"null"), yes=True)
    exchange = make_exchange(principal=ALICE)
    assert (await catalog(Inside(NEEDS)).call(exchange, tool, "{}")).asks
    inside = Inside(NEEDS, ASKS, DONE)
    told = await catalog(inside).call(exchange, tool, "{}", yes=True)
    assert (told.text, told.error, told.asks) == ("done", None, False)
    params = [json.loads(inbound.body.content)["params"] for inbound in inside.asked]
    can = [one["_meta"]["io.modelcontextprotocol/clientCapabilities"] for one in params]
    assert can == [{}, {"elicitation": {}}, {"elicitation": {}}]
    assert (params[2]["inputResponses"], params[2]["requestState"]) == (
        {"approval:1": {"action": "accept", "content": {"approve": True}}},
        "s",
    )
    other = {"result": {**ASKS["result"], "inputRequests": {"name": {}}}}
    for second, said in ((other, "cannot be given"), (NEEDS, "needs a yes"), (DONE, "done")):
        told = await catalog(Inside(NEEDS, second)).call(exchange, tool, "{}", yes=True)
        assert (said in told.text, told.asks) == (True, False)


def test_whoever_is_not_known_is_let_in_where_the_mcp_gate_lets_everybody_in(catalog):
    exchange = make_exchange(principal=ALICE)
    assert catalog().closed_to(exchange, ALICE)
    assert not catalog().closed_to(exchange, None)


def test_only_servers_that_the_caller_sees_are_suggested(catalog):
    who = make_exchange(principal=ALICE).principal
    assert "'orders'" in catalog().unknown(Wanted("order"), who).detail
    assert "hidden" not in catalog().unknown(Wanted("hiden"), who).detail
