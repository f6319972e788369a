"""What a client of 2026-07-28 listens to, and how a stream of changes begins, goes on and ends."""

import asyncio
import contextlib

import pytest
from tests.gates.mcp.messages import META, bearer, legacy, modern, official
from tests.gates.mcp.session_client import Events, SessionClient
from tests.gates.mcp.talker import Talker, note
from tests.gates.mcp.test_gate import servers
from tests.gates.mcp.test_streaming import eventually

TAG = {"io.modelcontextprotocol/subscriptionId": "l1"}


@contextlib.asynccontextmanager
async def listening(http, gate, path="/mcp", **filter_):
    params = {"notifications": filter_, "_meta": META}
    request = modern("subscriptions/listen", params, identity="l1")
    async with asyncio.timeout(10), http.stream("POST", gate.url + path, **request) as stream:
        yield Events(stream)


@pytest.fixture(params=["modern", "legacy"])
async def talking(house, serve, http, request):
    talker = Talker(request.param)
    gate = await house(servers(await serve(talker)))
    gate.talker = talker
    http.headers.update(bearer(gate.key()))
    return gate


async def test_what_is_honoured_comes_first_and_every_message_is_tagged(talking, http):
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["mem://a", "mem://" + "x" * 3000]}
    async with listening(http, talking, **wanted) as events:
        assert events.stream.headers["x-accel-buffering"] == "no"
        first = await events.next()
        assert first["method"] == "notifications/subscriptions/acknowledged"
        honoured = {"toolsListChanged": True, "resourceSubscriptions": ["mem://a"]}
        assert first["params"] == {"notifications": honoured, "_meta": TAG}
        subscribed = "subscriptions/listen" if talking.talker.era == "modern" else "resources/subscribe"
        await eventually(lambda: talking.talker.methods(subscribed) and talking.talker.listening)
        talking.talker.tell(note("prompts/list_changed"))
        talking.talker.tell(note("resources/updated", uri="mem://b"))
        talking.talker.tell(note("tools/list_changed"))
        heard = await events.next()
        assert (heard["method"], heard["params"]) == ("notifications/tools/list_changed", {"_meta": TAG})
        talking.talker.tell(note("resources/updated", uri="mem://a"))
        heard = await events.next()
        assert heard["params"] == {"uri": "mem://a", "_meta": TAG}
    await eventually(lambda: not talking.talker.listening)


async def test_the_drain_ends_it_with_its_result(talking, http):
    async with listening(http, talking, toolsListChanged=True) as events:
        await events.next()
        await talking.live.depart(5)
        ended = await events.next()
        assert ended["id"] == "l1"
        assert ended["result"]["resultType"] == "complete"
        assert TAG.items() <= ended["result"]["_meta"].items()
        assert [event async for event in events] == []


async def test_a_list_that_is_found_to_be_another_one_is_told_without_its_servers_word(talking, http):
    async with listening(http, talking, toolsListChanged=True) as events:
        await events.next()
        await http.post(f"{talking.url}/mcp", **modern("tools/list"))
        from tests.gates.mcp import talker

        state = talking.gateway.snapshot.gates["mcp"]._reading._views._servers["s0"].state
        known = talker.TOOLS
        try:
            talker.TOOLS = known[:2]
            state.listings["tool"].fresh_until = 0.0
            await http.post(f"{talking.url}/mcp", **modern("tools/list"))
        finally:
            talker.TOOLS = known
        assert (await events.next())["method"] == "notifications/tools/list_changed"


async def test_what_changes_is_fetched_anew(talking, http):
    await http.post(f"{talking.url}/mcp", **modern("tools/list"))
    async with listening(http, talking, toolsListChanged=True) as events:
        await events.next()
        await eventually(lambda: talking.talker.listening)
        talking.talker.tell(note("tools/list_changed"))
        await events.next()
        before = len(talking.talker.methods("tools/list"))
        await http.post(f"{talking.url}/mcp", **modern("tools/list"))
        assert len(talking.talker.methods("tools/list")) == before + 1


async def test_another_configuration_is_another_view(talking, http):
    documents = (talking.path / "triplegate.yaml").read_text()
    async with listening(http, talking, toolsListChanged=True) as events:
        await events.next()
        talking.reload(documents + "mcp: {allowed_hosts: []}\n")
        (exchange,) = talking.live.exchanges()
        await talking.gateway.check(exchange)
        assert (await events.next())["method"] == "notifications/tools/list_changed"


async def test_what_is_no_filter_is_refused(talking, http):
    for wrong in ({}, {"notifications": 7}, {"notifications": {"resourceSubscriptions": "mem://a"}}):
        answer = await http.post(f"{talking.url}/mcp", **modern("subscriptions/listen", {"_meta": META, **wrong}))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)
    many = {"notifications": {"resourceSubscriptions": [f"mem://{n}" for n in range(101)]}}
    answer = await http.post(f"{talking.url}/mcp", **modern("subscriptions/listen", {"_meta": META, **many}))
    assert answer.status_code == 400


async def test_a_server_without_such_a_stream_is_asked_once(house, serve, http):
    talker = Talker("legacy", streams=False)
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    async with listening(http, gate, toolsListChanged=True) as events:
        await events.next()
        await eventually(lambda: [one for one in talker.seen if one[0] == "GET"])
        await asyncio.sleep(0.7)
    assert len([one for one in talker.seen if one[0] == "GET"]) == 1


async def test_the_methods_of_one_era_are_unknown_in_the_other(talking, http):
    session = await SessionClient.open(http, f"{talking.url}/mcp")
    answer = await http.post(f"{talking.url}/mcp", **legacy("subscriptions/listen", {}, session=session.id))
    assert answer.json()["error"]["code"] == -32601
    for method in ("resources/subscribe", "resources/unsubscribe", "logging/setLevel"):
        answer = await http.post(f"{talking.url}/mcp", **modern(method, {"uri": "mem://a", "level": "info"}))
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)


async def test_the_official_client_listens(talking):
    from mcp.shared.subscriptions import ToolsListChanged

    async with (
        official(f"{talking.url}/mcp", talking.key()) as client,
        client.listen(tools_list_changed=True) as events,
    ):
        await eventually(lambda: talking.talker.listening)
        talking.talker.tell(note("tools/list_changed"))
        async with asyncio.timeout(5):
            assert isinstance(await anext(aiter(events)), ToolsListChanged)
