"""Merged lists: what fails, what is stale, pages, and bytes that stay."""

import asyncio

import msgspec
import pytest
from tests.gates.mcp.messages import META, bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers

from triplegate.gates.mcp import catalog
from triplegate.gates.mcp.methods import lists
from triplegate.gates.mcp.server import Listing, ServerState
from triplegate.gates.mcp.transport import Transport
from triplegate.samples.http import Answer


async def names(http, url, **more):
    answer = await http.post(url, **modern("tools/list", **more))
    return [tool["name"] for tool in answer.json()["result"]["tools"]]


async def test_one_dead_server_does_not_fail_the_list(house, sample, http):
    alive, dead = await sample(), await sample()
    gate = await house(servers(alive, dead))
    await dead.stop()
    http.headers.update(bearer(gate.key()))
    result = (await http.post(f"{gate.url}/mcp", **modern("tools/list"))).json()["result"]
    assert {tool["name"].partition("__")[0] for tool in result["tools"]} == {"files"}
    assert result["_meta"]["triplegate.dev/unavailable"] == ["s1"]
    assert result["ttlMs"] <= 5000


@pytest.mark.parametrize("method", ["tools/list", "prompts/list", "resources/list", "resources/templates/list"])
async def test_a_path_may_rather_fail_than_show_a_part(house, sample, http, method):
    alive, dead = await sample(), await sample()
    virtual = 'virtual_servers: {all: {tools: ["*"]}, part: {tools: ["*"], fail_closed: false}}\n'
    gate = await house(servers(alive, dead) + virtual + "mcp: {fail_closed: true}\n")
    http.headers.update(bearer(gate.key()))
    whole = await http.post(f"{gate.url}/mcp", **modern(method))
    assert "result" in whole.json()
    await dead.stop()
    for state in gate.gateway.kit.states.every(ServerState):
        state.era, state.listings = None, {kind: Listing() for kind in state.listings}
    for path in ("/mcp", "/mcp/all"):
        answer = await http.post(gate.url + path, **modern(method))
        assert (answer.status_code, answer.json()["error"]["data"]["refusal"]) == (502, "upstream_failed")
    assert "result" in (await http.post(f"{gate.url}/mcp/part", **modern(method))).json()
    called = await http.post(
        f"{gate.url}/mcp", **modern("tools/call", {"name": "files__echo", "arguments": {"text": "a"}})
    )
    assert called.json()["result"]["content"][0]["text"] == "a"


async def test_a_server_that_hangs_delays_one_list_by_the_deadline_and_no_other(
    house, sample, serve, http, monkeypatch
):
    async def hang(request):
        await asyncio.sleep(30)

    monkeypatch.setattr(catalog, "WAIT", 0.3)
    monkeypatch.setattr(Transport, "first_list", 0.5)
    gate = await house(servers(await sample(), await serve(hang)))
    http.headers.update(bearer(gate.key()))
    async with asyncio.timeout(5):
        assert "files__echo" in await names(http, f"{gate.url}/mcp")
    async with asyncio.timeout(0.9):
        answer = await http.post(f"{gate.url}/mcp", **modern("tools/list"))
    result = answer.json()["result"]
    assert "files__echo" in [tool["name"] for tool in result["tools"]]
    assert result["_meta"]["triplegate.dev/unavailable"] == ["s1"]


async def test_a_server_that_fails_later_is_served_stale(house, sample, http, monkeypatch):
    monkeypatch.setattr(catalog, "_TTL_MOST", 0.0)
    monkeypatch.setattr(catalog, "_TTL_LEAST", 0.0)
    first, second = await sample(), await sample()
    gate = await house(servers(first, second))
    http.headers.update(bearer(gate.key()))
    before = await names(http, f"{gate.url}/mcp")
    await second.stop()
    result = (await http.post(f"{gate.url}/mcp", **modern("tools/list"))).json()["result"]
    assert [tool["name"] for tool in result["tools"]] == before
    assert result["_meta"]["triplegate.dev/unavailable"] == ["s1"]


async def test_lists_asked_at_once_are_fetched_once_and_then_kept(house, sample, http):
    upstream = await sample("modern")
    gate = await house(servers(upstream))
    http.headers.update(bearer(gate.key()))
    lists = await asyncio.gather(*[names(http, f"{gate.url}/mcp") for _ in range(20)])
    assert all(one == lists[0] for one in lists)
    await names(http, f"{gate.url}/mcp")
    seen = (await http.get(f"{upstream.url}/control/requests")).json()
    methods = [dict(request["headers"]).get("mcp-method") for request in seen]
    assert methods == ["server/discover", "tools/list"]


async def test_definitions_keep_every_byte_but_their_name(house, serve, http):
    definition = (
        b'{"title":"T","name" : "odd tool","x-future":{"a":[1,2.50,1e3]},'
        b'"inputSchema":{"$schema":"s","type":"object","$defs":{"a":{"$anchor":"b"}},"if":{},"then":{}}}'
    )

    async def upstream(request):
        body = msgspec.json.decode(await request.body())
        if body["method"] == "server/discover":
            return Answer.json({"jsonrpc": "2.0", "id": body["id"], "result": {"supportedVersions": ["2026-07-28"]}})
        text = b'{"jsonrpc":"2.0","id":%d,"result":{"tools":[%b]}}' % (body["id"], definition)
        return Answer(text, content_type="application/json")

    gate = await house(servers(await serve(upstream)))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=bearer(gate.key())))
    name = answer.json()["result"]["tools"][0]["name"]
    assert name.startswith("files__odd_tool_")
    assert definition.replace(b'"odd tool"', f'"{name}"'.encode()) in answer.content


async def test_pages_go_on_where_the_last_one_ended_whatever_changed_meanwhile(house, sample, http, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 3)
    gate = await house(servers(await sample()))
    http.headers.update(bearer(gate.key()))
    found, cursor = [], None
    while True:
        params = {"cursor": cursor} if cursor else {}
        result = (await http.post(f"{gate.url}/mcp", **modern("tools/list", params))).json()["result"]
        page = [tool["name"] for tool in result["tools"]]
        assert 0 < len(page) <= 3
        found += page
        cursor = result.get("nextCursor")
        if cursor is None:
            break
    assert found == sorted(found)
    assert len(found) == 7


async def test_pages_neither_repeat_nor_leave_out_what_stays_while_the_catalogue_changes(
    house, serve, http, monkeypatch
):
    monkeypatch.setattr(lists, "PAGE", 3)
    behind = Offering("modern", tools=b",".join([b'{"name":"t%d"}' % number for number in range(9)]))
    gate = await house(servers(await serve(behind)))
    http.headers.update(bearer(gate.key()))
    first = (await http.post(f"{gate.url}/mcp", **modern("tools/list"))).json()["result"]
    kept = [0, 1, 3, 4, 5, 6, 7, 8]  # t2, where the first page ended, is gone; others have come before and after it
    behind.offered["tools"] = b",".join(
        [b'{"name":"t%d"}' % number for number in kept] + [b'{"name":"a"},{"name":"z"}']
    )
    for state in gate.gateway.kit.states.every(ServerState):
        state.listings["tool"].fresh_until = 0.0
    found, cursor = [tool["name"] for tool in first["tools"]], first["nextCursor"]
    while cursor is not None:
        page = (await http.post(f"{gate.url}/mcp", **modern("tools/list", {"cursor": cursor}))).json()["result"]
        found, cursor = found + [tool["name"] for tool in page["tools"]], page.get("nextCursor")
    assert found == [f"files__t{number}" for number in range(9)] + ["files__z"]


async def test_servers_are_asked_at_the_same_time(house, serve, http):
    together = asyncio.Barrier(3)

    class Waiting(Offering):
        async def __call__(self, request):
            answer = await super().__call__(request)
            if self.methods[-1] == "tools/list":
                await together.wait()  # nobody answers before all three were asked
            return answer

    upstreams = [await serve(Waiting("modern", tools=b'{"name":"a"}')) for _ in range(3)]
    gate = await house(servers(*upstreams))
    http.headers.update(bearer(gate.key()))
    async with asyncio.timeout(4):
        assert await names(http, f"{gate.url}/mcp") == ["files__a", "more1__a", "more2__a"]


@pytest.mark.parametrize("cursor", ["ZZZ", "é", 7, ""])
async def test_a_cursor_that_is_not_ours_is_refused_or_begins_anew(house, sample, http, cursor):
    gate = await house(servers(await sample()))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/list", {"cursor": cursor}, headers=bearer(gate.key())))
    if cursor == "":
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)


async def test_a_list_of_a_session_names_failing_servers_too(house, sample, http):
    dead = await sample()
    gate = await house(servers(await sample(), dead))
    await dead.stop()
    http.headers.update(bearer(gate.key()))
    session = await initialize(http, f"{gate.url}/mcp")
    result = (await http.post(f"{gate.url}/mcp", **legacy("tools/list", session=session))).json()["result"]
    assert result["_meta"] == {"triplegate.dev/unavailable": ["s1"]}


async def test_a_list_can_be_of_one_server_which_is_unknown_to_whom_it_is_hidden(house, sample, http):
    first, second = await sample(), await sample()
    text = servers(first, second, s1=", teams: [lab]")
    gate = await house(text + "mcp: {progressive: true}\n")
    for key, server, seen in (
        (gate.key(), "files", {"files"}),
        (gate.key(team="lab"), "s1", {"more1"}),
        (gate.key(team="lab"), "more1", {"more1"}),
        (gate.key(), "s1", None),
        (gate.key(), "nowhere", None),
    ):
        http.headers.update(bearer(key))
        params = {"_meta": {**META, lists.ONLY: server}}
        answer = (await http.post(f"{gate.url}/mcp", **modern("tools/list", params))).json()
        if seen is None:
            assert (answer["error"]["code"], answer["error"]["message"]) == (-32602, f"Unknown server: {server}")
        else:
            assert {tool["name"].partition("__")[0] for tool in answer["result"]["tools"]} == seen
            assert len(answer["result"]["tools"]) == 7
