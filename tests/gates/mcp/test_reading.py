"""The ladder over the wire: first failure wins, before any policy and whatever the tool."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import make_exchange, make_house, make_kit
from tests.gates.mcp.messages import META, bearer, initialize, legacy, modern
from tests.gates.mcp.test_gate import ECHO, servers

from triplegate.config.documents import Documents
from triplegate.core.chains import Chains
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.mcp.compile import compile_mcp
from triplegate.samples.http import Answer
from triplegate.stores.memory.sessions import MemorySessions
from triplegate.upstreams.supervisor import TaskSupervisor

V = "io.modelcontextprotocol/protocolVersion"
C = "io.modelcontextprotocol/clientCapabilities"
WRAPPED = "=?base64?ZmlsZXNfX2VjaG8=?="  # files__echo


@pytest.mark.parametrize(
    ("changed", "meta", "status", "code"),
    [
        ({}, META, 200, None),
        ({"mcp-name": WRAPPED}, META, 200, None),
        ({"mcp-name": "files__add"}, META, 400, -32020),
        ({"mcp-name": None}, META, 400, -32020),
        ({"mcp-name": "=?base64?!!!?="}, META, 400, -32020),
        ({"mcp-name": "FILES__ECHO"}, META, 400, -32020),
        ({"mcp-method": "tools/list"}, META, 400, -32020),
        ({"mcp-method": None}, META, 400, -32020),
        ({"mcp-protocol-version": None}, META, 400, -32020),
        ({"mcp-protocol-version": "2025-11-25"}, META, 400, -32020),
        ({"mcp-protocol-version": "2027-01-01"}, META, 400, -32020),
        ({"mcp-protocol-version": "2027-01-01"}, {**META, V: "2027-01-01"}, 400, -32022),
        ({}, {V: "2026-07-28"}, 400, -32602),
        ({}, {C: {}}, 400, -32602),
        ({}, [], 400, -32602),
        ({}, {**META, V: 7}, 400, -32020),
    ],
)
async def test_headers_and_body_must_say_the_same(house, sample, http, changed, meta, status, code):
    upstream = await sample()
    gate = await house(servers(upstream))
    request = modern("tools/call", {**ECHO, "_meta": meta}, headers={**bearer(gate.key()), **changed})
    answer = await http.post(f"{gate.url}/mcp", **request)
    body = answer.json()
    assert (answer.status_code, body.get("error", {}).get("code")) == (status, code)
    assert body["id"] == 7
    if code == -32022:
        assert body["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2027-01-01"}
    if code is not None:
        assert (await http.get(f"{upstream.url}/control/requests")).json() == []


@pytest.mark.parametrize("name", ["mcp-name", "mcp-method", "mcp-protocol-version"])
async def test_a_routing_header_said_twice_is_refused(house, sample, http, name):
    gate = await house(servers(await sample()))
    request = modern("tools/call", ECHO, headers=bearer(gate.key()))
    lines = [*request["headers"].items(), (name, request["headers"][name])]
    answer = await http.post(f"{gate.url}/mcp", json=request["json"], headers=lines)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":NaN}}', -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b'"text"', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + b'{"a":' * 100 + b"1" + b"}" * 101, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}', -32602),
    ],
)
async def test_what_is_no_message_is_refused_with_400(house, sample, http, content, code):
    gate = await house(servers(await sample()))
    headers = {**modern("tools/list")["headers"], **bearer(gate.key()), "content-type": "application/json"}
    answer = await http.post(f"{gate.url}/mcp", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("method", ["vendor/x", "initialize", "ping", "logging/setLevel"])
async def test_methods_that_are_not_served_are_404(house, sample, http, method):
    gate = await house(servers(await sample()))
    answer = await http.post(f"{gate.url}/mcp", **modern(method, headers=bearer(gate.key())))
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["id"]) == (404, -32601, 7)


@pytest.mark.parametrize("params", [{}, {"name": 7}, {"name": "files__echo", "arguments": []}])
async def test_a_call_without_a_tool_or_with_strange_arguments_is_refused(house, sample, http, params):
    gate = await house(servers(await sample()))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", params, headers=bearer(gate.key())))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in (-32602, -32020)


async def test_notifications_are_taken(house, sample, http):
    gate = await house(servers(await sample()))
    request = modern("notifications/cancelled", headers=bearer(gate.key()))
    del request["json"]["id"]
    answer = await http.post(f"{gate.url}/mcp", **request)
    assert (answer.status_code, answer.content) == (202, b"")


# sessions -----------------------------------------------------------------------------------------------------------
async def test_a_session_is_needed_known_and_ones_own(house, sample, http):
    gate = await house(servers(await sample()) + "virtual_servers: {dev: {tools: ['*']}}\n")
    url, http.headers = f"{gate.url}/mcp", bearer(gate.key())
    session = await initialize(http, url)

    async def ping(given, address=url, **headers):
        request = legacy("ping", session=given)
        answer = await http.post(address, json=request["json"], headers=request["headers"] | headers)
        return answer.status_code, answer.json()

    assert (await ping(session))[0] == 200
    assert (await ping(None))[0] == 400
    unknown = await ping("A" * 32)
    assert unknown[0] == 404
    for other in (gate.key(), gate.key(consumer="eve"), gate.key(team="lab")):
        assert await ping(session, **bearer(other)) == unknown
    assert await ping(session, f"{url}/dev") == unknown
    for strange in ("x", session[:-1], session + "a", "../" + session, "mcp:" + session, "%00"):
        assert await ping(strange) == unknown
    assert (
        await http.request("DELETE", url, headers={"mcp-session-id": session, **bearer(gate.key())})
    ).status_code == 404
    assert (await ping(session))[0] == 200
    assert (await http.delete(url, headers={"mcp-session-id": session})).status_code == 204
    assert await ping(session) == unknown


@pytest.mark.parametrize(
    ("version", "status"), [("2025-11-25", 200), ("2025-06-18", 200), (None, 200), ("2024-01-01", 400), ("x", 400)]
)
async def test_the_version_header_of_a_session_must_be_known(house, sample, http, version, status):
    gate = await house(servers(await sample()))
    url, http.headers = f"{gate.url}/mcp", bearer(gate.key())
    session = await initialize(http, url)
    assert (await http.post(url, **legacy("ping", session=session, version=version))).status_code == status


async def test_a_session_id_said_twice_is_refused(house, sample, http):
    gate = await house(servers(await sample()))
    url = f"{gate.url}/mcp"
    http.headers = bearer(gate.key())
    session = await initialize(http, url)
    request = legacy("ping", session=session)
    lines = [*request["headers"].items(), ("mcp-session-id", session)]
    assert (await http.post(url, json=request["json"], headers=lines)).status_code == 400


async def test_responses_and_notifications_of_a_session_are_taken(house, sample, http):
    gate = await house(servers(await sample()))
    url, http.headers = f"{gate.url}/mcp", bearer(gate.key())
    session = await initialize(http, url)
    for message in ({"id": 5, "result": {}}, {"method": "notifications/roots/list_changed"}):
        answer = await http.post(url, json={"jsonrpc": "2.0", **message}, headers={"mcp-session-id": session})
        assert answer.status_code == 202
        assert (await http.post(url, json={"jsonrpc": "2.0", **message})).status_code == 400


# arguments in headers -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("header", "arguments", "code"),
    [
        ({"mcp-param-region": "eu"}, {"region": "eu"}, None),
        ({}, {}, None),
        ({}, {"region": None}, None),
        ({"mcp-param-region": "us"}, {"region": "eu"}, -32020),
        ({}, {"region": "eu"}, -32020),
        ({"mcp-param-region": "eu"}, {}, -32020),
    ],
)
async def test_mirrored_arguments_must_equal_their_headers(house, serve, http, header, arguments, code):
    async def upstream(request):
        body = msgspec.json.decode(await request.body())
        if body["method"] == "server/discover":
            result = {"supportedVersions": ["2026-07-28"]}
        elif body["method"] == "tools/list":
            region = {"type": "string", "x-mcp-header": "Region"}
            wrong = {"type": "number", "x-mcp-header": "N"}
            result = {
                "tools": [
                    {"name": "t", "inputSchema": {"type": "object", "properties": {"region": region}}},
                    {"name": "bad", "inputSchema": {"type": "object", "properties": {"n": wrong}}},
                ]
            }
        else:
            result = {"content": [{"type": "text", "text": request.header("mcp-param-region", "-")}]}
        return Answer.json({"jsonrpc": "2.0", "id": body["id"], "result": result})

    gate = await house(servers(await serve(upstream)))
    http.headers = bearer(gate.key())
    url, call = f"{gate.url}/mcp", {"name": "files__t", "arguments": arguments}
    answer = (await http.post(url, **modern("tools/call", call, headers=header))).json()
    assert answer.get("error", {}).get("code") == code
    assert (await http.post(url, **modern("tools/call", {"name": "files__bad"}))).json()["error"]["code"] == -32602
    session = await initialize(http, url)
    told = (await http.post(url, **legacy("tools/call", call, session=session))).json()
    assert told["result"]["content"][0]["text"] == (arguments.get("region") or "-")


# whatever comes ---------------------------------------------------------------------------------------------------
NAMES = ["jsonrpc", "id", "method", "params", "result", "error", "x"]
VALUES = [
    *("2.0", 1, 1.5, None, "tools/call", "tools/list", "initialize", [], {}),
    *({"name": "files__t"}, {"name": "\ud7ff\u0000"}, {"_meta": META}, {"_meta": {V: []}}),
    {"_meta": META, "name": "files__t", "arguments": "x"},
]
MEMBERS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES))
BODIES = st.one_of(
    st.binary(max_size=40),
    MEMBERS.map(msgspec.json.encode),
    st.lists(MEMBERS, max_size=3).map(msgspec.json.encode),
    st.just(msgspec.json.encode(modern("tools/call", ECHO)["json"])),
)
FIELDS = [b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"mcp-session-id", b"content-type"]
SAID = [
    *(b"2026-07-28", b"2025-03-26", b"tools/call", b"files__t", b"A" * 32, b"", b"\xff"),
    *(b"application/json", b"=?base64?/w==?="),
]
LINES = st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(SAID)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(BODIES, LINES, st.sampled_from(["POST", "DELETE"]))
def test_whatever_comes_is_read_or_refused_and_refusals_can_be_told(content, lines, method):
    documents = Documents.model_validate({"servers": {"files": {"url": "http://127.0.0.1:1/mcp"}}})
    kit = make_kit(supervisor=TaskSupervisor(), sessions=MemorySessions(SetClock()), offline=True)
    gate = compile_mcp(documents, kit, make_house(), "h", Chains("mcp", (), {}, {}, kit)).gate
    exchange = make_exchange(gate, method=method, path="/mcp", headers=lines, body=content)
    try:
        asyncio.run(gate.read(exchange))
    except Refusal as refusal:
        reply = gate.refuse(exchange, refusal)
        assert 200 <= reply.status < 500
        told = msgspec.json.decode(asyncio.run(reply.frames.__anext__()))
        assert told["error"]["code"] < 0
