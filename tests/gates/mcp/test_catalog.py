"""Catalogues: pages, bounds, what cannot be offered, how long they are fresh."""

import asyncio

import msgspec
import pytest
from tests.gates.mcp.messages import bearer, initialize, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers

from triplegate.gates.mcp import catalog
from triplegate.gates.mcp.catalog import _read_item
from triplegate.gates.mcp.server import ServerState
from triplegate.gates.mcp.transport import Transport
from triplegate.samples.http import Answer


def upstream(pages, log):
    async def answer(request):
        body = msgspec.json.decode(await request.body())
        if body["method"] == "server/discover":
            result = b'{"supportedVersions":["2026-07-28"]}'
        else:
            cursor = body["params"].get("cursor")
            log.append(cursor)
            result = pages[cursor]
        return Answer(b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (body["id"], result), 200, "application/json")

    return answer


async def names(http, gate):
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=bearer(gate.key())))
    return [tool["name"] for tool in answer.json()["result"]["tools"]]


async def test_all_pages_are_fetched_and_a_circle_ends(house, serve, http):
    log = []
    pages = {
        None: b'{"tools":[{"name":"b"},{"name":"a"}],"nextCursor":"2"}',
        "2": b'{"tools":[{"name":"c"},{"name":"a"}],"nextCursor":"2"}',
    }
    gate = await house(servers(await serve(upstream(pages, log))))
    assert await names(http, gate) == ["files__a", "files__b", "files__c"]
    assert log == [None, "2"]


@pytest.mark.parametrize(("ttl", "fresh"), [(b"30000", 30), (b"0", 1), (b"-5", 1), (b"1e12", 3600), (None, 60)])
async def test_how_long_a_list_is_fresh_is_the_servers_to_say_within_bounds(house, serve, http, ttl, fresh):
    page = b'{"tools":[{"name":"a"}]%b}' % (b',"ttlMs":' + ttl if ttl else b"")
    gate = await house(servers(await serve(upstream({None: page}, []))))
    await names(http, gate)
    (state,) = gate.gateway.kit.states.every(ServerState)
    assert state.listings["tool"].ttl == fresh


@pytest.mark.parametrize("page", [b'{"tools":7}', b"7", b'{"tools":[],"nextCursor":7}'])
async def test_a_malformed_list_is_a_failure_of_that_server(house, serve, http, page):
    gate = await house(servers(await serve(upstream({None: page}, []))))
    assert await names(http, gate) == []
    (state,) = gate.gateway.kit.states.every(ServerState)
    assert state.listings["tool"].failure
    assert not state.listings["tool"].loaded


@pytest.mark.parametrize(
    "definition",
    [
        b"7", b"{}", b'{"name":7}', b'{"name":""}', b'{"name":"%b"}' % (b"x" * 257), b'{"name":"a","name":"b"}',
        b'{"name":"a","inputSchema":{"properties":{"n":{"type":"number","x-mcp-header":"N"}}}}',
    ],
)  # fmt: skip
def test_what_cannot_be_offered_is_left_out(definition):
    assert _read_item("tool", msgspec.Raw(definition)) is None


def test_a_tool_is_its_bytes():
    tool = _read_item("tool", msgspec.Raw(b'{ "x":1.50,"name":"a" }'))
    assert (tool.name, tool.definition, tool.mirrors) == ("a", b'{ "x":1.50,"name":"a" }', ())


async def test_a_server_with_resources_may_do_without_templates(house, serve, http):
    gate = await house(servers(await serve(Offering("modern", resources=b'{"uri":"a:1","name":"a"}'))))
    answer = await http.post(f"{gate.url}/mcp", **modern("resources/templates/list", headers=bearer(gate.key())))
    result = answer.json()["result"]
    assert result["resourceTemplates"] == []
    assert "triplegate.dev/unavailable" not in result["_meta"]


async def test_a_server_that_learns_something_is_asked_for_it_in_time(house, serve, http, monkeypatch):
    behind = Offering("modern", tools=b"")
    gate = await house(servers(await serve(behind)))
    assert await names(http, gate) == []
    behind.offered["prompts"], behind.capabilities["prompts"] = b'{"name":"p"}', {}
    (state,) = gate.gateway.kit.states.every(ServerState)
    for again, known in ((600.0, []), (0.0, ["files__p"])):
        monkeypatch.setattr(catalog, "_MEET_AGAIN", again)
        state.listings["prompt"].fresh_until = 0.0
        answer = await http.post(f"{gate.url}/mcp", **modern("prompts/list", headers=bearer(gate.key())))
        assert [one["name"] for one in answer.json()["result"]["prompts"]] == known


@pytest.mark.parametrize("shift", ["a moment ago", "a word of change", "long ago"])
async def test_a_list_that_was_fresh_a_moment_ago_is_served_while_it_is_fetched(house, serve, http, shift):
    behind = Offering("modern", tools=b'{"name":"a"}')
    gate = await house(servers(await serve(behind)))
    assert await names(http, gate) == ["files__a"]
    behind.offered["tools"] = b'{"name":"b"}'
    (state,) = gate.gateway.kit.states.every(ServerState)
    listing = state.listings["tool"]
    now = gate.gateway.kit.clock.now()
    listing.fresh_until = {"a moment ago": now - 1, "a word of change": 0.0, "long ago": now - 100}[shift]
    assert await names(http, gate) == (["files__a"] if shift == "a moment ago" else ["files__b"])
    async with asyncio.timeout(4):
        while await names(http, gate) != ["files__b"]:
            await asyncio.sleep(0.01)


async def test_a_list_that_changes_while_it_is_fetched_is_fetched_again(house, serve, http):
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Changing(Offering):
        async def __call__(self, request):
            answer = await super().__call__(request)
            if self.methods[-1] == "tools/list" and not asked.is_set():
                asked.set()  # the old list is on its way
                await go_on.wait()
            return answer

    behind = Changing("modern", tools=b'{"name":"old"}')
    gate = await house(servers(await serve(behind)))
    listed = asyncio.get_running_loop().create_task(names(http, gate))
    async with asyncio.timeout(4):
        await asked.wait()
        behind.offered["tools"] = b'{"name":"new"}'
        (state,) = gate.gateway.kit.states.every(ServerState)
        state.listings["tool"].outdate()
        go_on.set()
        assert await listed == ["files__new"]


@pytest.mark.parametrize("first", ["tools/list", "initialize", "a call"])
async def test_a_first_list_waits_for_all_that_never_listed_anything_and_later_ones_do_not(
    house, serve, http, monkeypatch, first
):
    monkeypatch.setattr(catalog, "WAIT", 0.05)
    monkeypatch.setattr(catalog, "MEET", 0.05)
    go_on = asyncio.Event()

    class Slow(Offering):
        async def __call__(self, request):
            await go_on.wait()
            return await super().__call__(request)

    slow = Slow("modern", tools=b'{"name":"late"}')
    gate = await house(servers(await serve(Offering("modern", tools=b'{"name":"a"}')), await serve(slow)))
    http.headers.update(bearer(gate.key()))
    (_, server) = gate.gateway.snapshot.gates["mcp"].servers.values()
    if first == "initialize":
        await initialize(http, f"{gate.url}/mcp")  # which has only a moment for strangers
    request = modern("tools/call", {"name": "more1__late", "arguments": {}}) if first == "a call" else None
    asked = asyncio.get_running_loop().create_task(http.post(f"{gate.url}/mcp", **(request or modern("tools/list"))))
    await asyncio.sleep(0.3)  # longer than others are waited for
    assert not asked.done()
    go_on.set()
    if first == "a call":
        assert "tool_not_found" not in (await asked).text
    else:
        result = (await asked).json()["result"]
        assert [tool["name"] for tool in result["tools"]] == ["files__a", "more1__late"]
    go_on.clear()
    listing = server.state.listings["tool"]
    listing.fresh_until = gate.gateway.kit.clock.now() - 100
    async with asyncio.timeout(server.first_list - 1):  # what it had before is served
        assert await names(http, gate) == ["files__a", "more1__late"]
    go_on.set()


async def test_nobody_waits_twice_for_a_server_that_lists_nothing(house, serve, http, monkeypatch):
    monkeypatch.setattr(catalog, "WAIT", 0.05)
    monkeypatch.setattr(Transport, "first_list", 0.1)
    go_on = asyncio.Event()

    async def hang(request):
        await go_on.wait()
        return Answer(status=500)

    gate = await house(servers(await serve(hang)))
    assert await names(http, gate) == []
    (server,) = gate.gateway.snapshot.gates["mcp"].servers.values()
    assert server.state.listings["tool"].failure == "no answer within 0.1 s"
    monkeypatch.setattr(Transport, "first_list", 30.0)
    async with asyncio.timeout(20):
        assert await names(http, gate) == []
    assert server.verdict.state == "down"
    go_on.set()
