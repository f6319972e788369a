"""All ears of a node, and word between nodes."""

import asyncio
from types import SimpleNamespace

import msgspec
import pytest
from tests.gates.mcp.messages import bearer
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker, note
from tests.gates.mcp.test_gate import servers
from tests.gates.mcp.test_streaming import eventually

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.ports import States
from triplegate.gates.mcp import hub as module
from triplegate.gates.mcp.ears import Ear
from triplegate.gates.mcp.hub import Hub, HubState, Word
from triplegate.gates.mcp.server import Changes, ServerState
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.upstreams.supervisor import TaskSupervisor


def node(broadcast, servers):
    states = States()
    kit = SimpleNamespace(
        supervisor=TaskSupervisor(), broadcast=broadcast, state=states.get, clock=SetClock(), offline=False
    )
    hub = Hub(kit, servers, SimpleNamespace(changes=Changes()))
    hub.begin()
    return hub


@pytest.fixture
async def nodes():
    broadcast = MemoryBroadcast()
    made = []
    for _ in range(2):
        server = SimpleNamespace(name="a", state=ServerState())
        server.state.capabilities = {}
        server.state.era = "modern"
        made.append(node(broadcast, {"a": server}))
    await asyncio.sleep(0)
    yield made
    for hub in made:
        await hub._kit.supervisor.close(1)


def view(hub):
    return SimpleNamespace(servers=list(hub._servers.values()))


async def test_what_a_server_says_at_one_node_is_heard_at_all(nodes):
    ears = [Ear(view(hub), ["tools", "resources"]) for hub in nodes]
    for hub, ear in zip(nodes, ears, strict=True):
        hub.add(ear)
        hub._servers["a"].state.listings["tool"].fresh_until = 1e9
    nodes[0].hear(nodes[0]._servers["a"], "tools", "")
    await eventually(lambda: all(ear.ready for ear in ears))
    assert [ear.take()[0] for ear in ears] == [[("tools", "")]] * 2
    assert [hub._servers["a"].state.listings["tool"].fresh_until for hub in nodes] == [0.0, 0.0]


async def test_a_list_that_was_found_to_differ_is_told_at_home(nodes):
    ear = Ear(view(nodes[0]), ["prompts", "resources"])
    nodes[0].add(ear)
    nodes[0]._catalog.changes.note("prompt", "a", news=False)
    nodes[0]._catalog.changes.note("prompt", "other")
    assert not ear.ready
    nodes[0]._catalog.changes.note("template")
    nodes[0]._catalog.changes.note("prompt", "a")
    assert ear.take()[0] == [("resources", ""), ("prompts", "")]


async def test_a_call_is_cancelled_wherever_it_is_under_way(nodes):
    ended = []
    nodes[1].state.calls["s1", b"7"] = lambda: ended.append(7)
    nodes[0].cancel("s2", b"7")
    nodes[0].cancel("s1", b"7")
    await eventually(lambda: ended)
    assert (ended, nodes[1].state.calls) == ([7], {})


async def test_the_newest_stream_of_a_session_stays(nodes):
    ear = Ear(view(nodes[1]), ["tools"], "s1")
    nodes[1].add(ear)
    nodes[0].publish("subscribed", session="s1")
    await eventually(lambda: ear.stale)
    nodes[0].publish("stream", session="s2")
    nodes[0].publish("stream", session="s1")
    await eventually(lambda: ear.ended)


async def test_a_session_that_ends_at_another_node_is_timed_where_it_was_opened(nodes):
    log = nodes[1]._kit.state(SessionLog, "mcp", SessionLog)
    log.ages.begin("s", "2025-11-25", 1.0)
    nodes[0].publish("ended", session="s")
    await eventually(lambda: log.ages.server.series)
    assert list(log.ages.server.series) == [("2025-11-25", "")]


async def test_the_number_of_streams_is_bounded(nodes, monkeypatch):
    monkeypatch.setattr(module, "MOST", 1)
    ear = Ear(view(nodes[0]), ["tools"])
    nodes[0].add(ear)
    with pytest.raises(Refusal, match="overloaded"):
        nodes[0].add(Ear(view(nodes[0]), ["tools"]))
    nodes[0].remove(ear)
    nodes[0].remove(ear)
    assert not nodes[0].state.ears
    assert not nodes[0].state.hearing


def test_another_versions_word_is_passed_over():
    HubState().take(Word("n", "unheard of"))
    with pytest.raises(msgspec.MsgspecError):
        module._word(b"{}")


# two gateways on one store: whatever one began, the other goes on with --------------------------------------------
PORTS = ("cache", "sessions", "mailbox", "broadcast", "lease", "once")
ACCEPTED = {"action": "accept", "content": {"name": "Ann"}}


@pytest.fixture(params=["memory", "redis"])
async def stores(request):
    from tests.servers.states import memory_state, redis_state

    if request.param == "memory":
        state = memory_state()
        yield [state, state]
        return
    async with redis_state("redis", request.getfixturevalue("redis_url")) as state:
        yield [state.store, state.others[0]]


@pytest.fixture(params=["legacy", "modern"])
async def pair(house, serve, http, stores, request):
    """Two gateways before one talker; a session at the first, and the same client at the second."""
    talker = Talker(request.param)
    documents = servers(await serve(talker))
    first, second = [await house(documents, **{port: getattr(store, port) for port in PORTS}) for store in stores]
    key = first.key()
    second.keys.by_id.update(first.keys.by_id)
    http.headers.update(bearer(key))
    here = await SessionClient.open(http, f"{first.url}/mcp")
    there = SessionClient(http, f"{second.url}/mcp", here.id, here.version)
    for client in (here, there):  # both have met their server, and listen to one another
        await client.request("tools/list")
    here.talker = talker
    return here, there


async def test_a_question_is_answered_at_the_other_node(pair):
    here, there = pair
    async with here.call("files__ask") as events:
        asked = await events.next()
        await there.say({"jsonrpc": "2.0", "id": asked["id"], "result": ACCEPTED})
        answer = await events.next()
    assert answer["result"]["content"][0]["text"] in ("done", '{"action":"accept","content":{"name":"Ann"}}')


async def test_a_call_is_cancelled_at_the_other_node(pair):
    here, there = pair
    async with here.call("files__hang", identity="mine") as events:
        await here.talker.hung.wait()
        await there.say(note("cancelled", requestId="mine"))
        answer = await events.next()
    assert answer["error"]["data"]["refusal"] == "call_cancelled"


async def test_a_stream_goes_on_at_the_other_node(pair):
    here, there = pair
    if here.talker.era == "modern":
        pytest.skip("only servers with sessions let go of streams")
    async with here.call("files__poll", identity="mine") as events:
        mark, _ = await anext(events)
    async with there.listen(last=mark) as events:
        answer = await events.next()
    assert (answer["id"], answer["result"]["content"][0]["text"]) == ("mine", "fetched")
    assert len(here.talker.methods("tools/call")) == 1


async def test_a_client_that_lost_its_connection_fetches_the_rest_at_the_other_node(pair):
    here, there = pair
    async with here.call("files__steps", identity="mine", _meta={"progressToken": 1}) as events:
        mark, step = await anext(events)
        assert step["params"]["progress"] == 1
    async with there.listen(last=mark) as events:
        assert (await events.next())["params"]["progress"] == 2
        here.talker.go.set()
        last, answer = await anext(events)
        assert [event async for event in events] == []
    assert (answer["id"], answer["result"]["content"][0]["text"]) == ("mine", "stepped")
    async with here.listen(last=mark) as events:  # it stays for a while
        assert [message async for _, message in events][-1] == answer
    async with here.listen(last=last) as events:
        assert [event async for event in events] == []
    assert len(here.talker.methods("tools/call")) == 1
    assert not here.talker.methods("notifications/cancelled")


async def test_what_is_subscribed_to_at_one_node_is_heard_at_the_other(pair):
    here, there = pair
    async with here.listen() as events:
        await anext(events)
        await eventually(lambda: here.talker.listening)
        await there.request("resources/subscribe", {"uri": "mem://a"})
        wanted = "resources/subscribe" if here.talker.era == "legacy" else "subscriptions/listen"
        await eventually(lambda: "mem://a" in str(here.talker.methods(wanted)))
        await eventually(lambda: here.talker.listening)
        here.talker.tell(note("resources/updated", uri="mem://a"))
        assert (await events.next("notifications/resources/updated"))["params"] == {"uri": "mem://a"}


async def test_the_stream_of_a_session_moves_to_where_it_is_opened_last(pair):
    here, there = pair
    async with here.listen() as old:
        await anext(old)
        async with there.listen() as new:
            await anext(new)
            assert [message async for _, message in old] == [None]
        assert (await there.http.delete(there.url, headers={"mcp-session-id": there.id})).status_code == 204
    async with here.listen() as events:
        assert events.status == 404


async def test_a_list_that_changed_is_fetched_anew_at_every_node(pair):
    here, there = pair
    async with here.listen() as events:
        await anext(events)
        await eventually(lambda: here.talker.listening)
        before = len(here.talker.methods("tools/list"))
        here.talker.tell(note("tools/list_changed"))
        await events.next("notifications/tools/list_changed")

        async def fetched_anew():
            await there.request("tools/list")
            return len(here.talker.methods("tools/list")) > before

        async with asyncio.timeout(5):
            while not await fetched_anew():
                await asyncio.sleep(0.05)
