"""Arguments are held against the schema before anything is taken of a limit; the caller is told what is wrong."""

import json

import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering

SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string", "pattern": "^/"}, "depth": {"type": "integer", "maximum": 3}},
    "required": ["path"],
    "additionalProperties": False,
}
TOOLS = json.dumps({"name": "read", "inputSchema": SCHEMA}) + ',{"name":"free"},' + json.dumps(
    {"name": "broken", "inputSchema": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}}
)  # fmt: skip


async def running(house, serve, held, more=""):
    offered = Offering(tools=TOOLS.encode())
    server = await serve(offered)
    gate = await house(
        f"servers:\n  s:\n    url: {server.url}/mcp\n    alias: files\n    validation: {{arguments: {held}}}\n"
        "    policies: [{use: tool_limit, calls: 2, window: 1h}]\n" + more
    )
    return gate, offered


def call(name, arguments=None, **more):
    params = {"name": name} | ({} if arguments is None else {"arguments": arguments})
    return modern("tools/call", params, **more)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"path": "relative"}, "/path"),
        ({"path": "/a", "depth": 4}, "/depth"),
        ({"path": "/a", "other": 1}, "other"),
        ({}, "path"),
        (None, "path"),
    ],
)
async def test_wrong_arguments_are_a_tool_error_that_a_model_can_read(house, serve, http, arguments, told):
    gate, offered = await running(house, serve, "enforce")
    http.headers.update(bearer(gate.key()))
    answer = await http.post(f"{gate.url}/mcp", **call("files__read", arguments))
    result = answer.json()["result"]
    assert (answer.status_code, result["isError"], result["resultType"]) == (200, True, "complete")
    assert told in result["content"][0]["text"]
    assert "tools/call" not in offered.methods
    assert [(record.outcome, record.refusal, record.cost) for record in gate.calls] == [
        ("refused", "arguments_invalid", 0)
    ]
    for _ in range(2):  # nothing was taken of the limit
        await http.post(f"{gate.url}/mcp", **call("files__read", {"path": "/a"}))
    assert offered.methods[-2:] == ["tools/call", "tools/call"]


async def test_in_a_session_it_is_told_in_the_sessions_form(house, serve, http):
    gate, _ = await running(house, serve, "enforce")
    http.headers.update(bearer(gate.key()))
    session = await initialize(http, f"{gate.url}/mcp")
    asked = legacy("tools/call", {"name": "files__read", "arguments": {}}, session=session, identity="x")
    answer = (await http.post(f"{gate.url}/mcp", **asked)).json()
    assert (answer["id"], answer["result"]["isError"], "resultType" in answer["result"]) == ("x", True, False)


async def test_what_asks_nothing_passes_and_what_cannot_be_used_does_not(house, serve, http):
    gate, offered = await running(house, serve, "enforce")
    http.headers.update(bearer(gate.key()))
    await http.post(f"{gate.url}/mcp", **call("files__free", {"anything": [1]}))
    assert offered.methods[-1] == "tools/call"
    answer = await http.post(f"{gate.url}/mcp", **call("files__broken", {"a": 1}))
    assert "cannot be used" in answer.json()["result"]["content"][0]["text"]
    assert offered.methods.count("tools/call") == 1


@pytest.mark.parametrize("held", ["observe", "off"])
async def test_observed_and_unlooked_at_arguments_pass(house, serve, http, held):
    gate, offered = await running(house, serve, held)
    http.headers.update(bearer(gate.key()))
    await http.post(f"{gate.url}/mcp", **call("files__read", {}))
    assert offered.methods[-1] == "tools/call"


async def test_the_gates_word_holds_where_a_server_says_nothing(house, serve, http):
    offered = Offering(tools=TOOLS.encode())
    server = await serve(offered)
    gate = await house(
        f"servers: {{s: {{url: {server.url}/mcp, alias: files}}}}\nmcp: {{validation: {{arguments: enforce}}}}\n"
    )
    http.headers.update(bearer(gate.key()))
    answer = await http.post(f"{gate.url}/mcp", **call("files__read", {}))
    assert answer.json()["result"]["isError"] is True
