"""How a client begins, and what it is told that the gate can do."""

import pytest
from tests.gates.mcp.messages import bearer, legacy, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
    ],
)
async def test_initialize_negotiates_a_version(house, sample, http, asked, given):
    gate = await house(servers(await sample()))
    http.headers.update(bearer(gate.key()))
    answer = await http.post(f"{gate.url}/mcp", **legacy("initialize", {"protocolVersion": asked}, version=None))
    result = answer.json()["result"]
    assert (result["protocolVersion"], result["capabilities"]) == (given, {"tools": {"listChanged": True}})
    assert len(answer.headers["mcp-session-id"]) == 32


async def test_initialize_without_a_version_is_told_what_is_wrong(house, sample, http):
    gate = await house(servers(await sample()))
    answer = await http.post(
        f"{gate.url}/mcp", **legacy("initialize", {}, version=None) | {"headers": bearer(gate.key())}
    )
    assert answer.json()["error"]["code"] == -32602


OFFERS = {"prompts": b"", "resources": b"", "completions": True}


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ([{}], {"tools"}),
        ([{"tools": b""}], {"tools"}),
        ([{"tools": b""}, {"prompts": b""}], {"tools", "prompts"}),
        ([OFFERS], {"tools", "prompts", "resources", "completions"}),
    ],
)
async def test_the_gate_says_what_its_servers_can_do_together(house, serve, http, era, offered, told):
    gate = await house(servers(*[await serve(Offering(era, **one)) for one in offered]))
    http.headers.update(bearer(gate.key()))
    discovered = await http.post(f"{gate.url}/mcp", **modern("server/discover"))
    assert set(discovered.json()["result"]["capabilities"]) == told
    begun = await http.post(f"{gate.url}/mcp", **legacy("initialize", {"protocolVersion": "2025-11-25"}, version=None))
    assert set(begun.json()["result"]["capabilities"]) == told


async def test_a_server_that_cannot_be_asked_may_be_able_to_do_anything(house, sample, http):
    down = await sample()
    gate = await house(servers(down))
    await down.stop()
    answer = await http.post(f"{gate.url}/mcp", **modern("server/discover", headers=bearer(gate.key())))
    assert set(answer.json()["result"]["capabilities"]) == {"tools", "prompts", "resources", "completions", "logging"}


async def test_a_server_is_asked_only_for_what_it_says_it_has(house, serve, http):
    behind = Offering("modern", tools=b"", prompts=b"")
    gate = await house(servers(await serve(behind)))
    http.headers.update(bearer(gate.key()))
    for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        result = (await http.post(f"{gate.url}/mcp", **modern(method))).json()["result"]
        assert "triplegate.dev/unavailable" not in result["_meta"]
    assert behind.methods == ["server/discover", "tools/list", "prompts/list"]


WORDS = 'mcp: {instructions: Ask first.}\nvirtual_servers: {a: {tools: ["*"]}, b: {tools: ["*"], instructions: ""}}\n'


@pytest.mark.parametrize(("path", "told"), [("", "Ask first."), ("/a", "Ask first."), ("/b", None)])
async def test_clients_are_told_the_operators_instructions(house, sample, http, path, told):
    gate = await house(servers(await sample()) + WORDS)
    http.headers.update(bearer(gate.key()))
    discovered = await http.post(f"{gate.url}/mcp{path}", **modern("server/discover"))
    begun = await http.post(
        f"{gate.url}/mcp{path}", **legacy("initialize", {"protocolVersion": "2025-11-25"}, version=None)
    )
    for answer in (discovered, begun):
        assert answer.json()["result"].get("instructions") == told
