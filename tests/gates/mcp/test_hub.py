"""All ears of a node, and word between nodes."""

import asyncio
from types import SimpleNamespace

import msgspec
import pytest
from tests.gates.mcp.test_streaming import eventually

from triplegate.core.errors import Refusal
from triplegate.core.ports import States
from triplegate.gates.mcp import hub as module
from triplegate.gates.mcp.ears import Ear
from triplegate.gates.mcp.hub import Hub, HubState, Word
from triplegate.gates.mcp.server import Changes, ServerState
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.upstreams.supervisor import TaskSupervisor


def node(broadcast, servers):
    states = States()
    kit = SimpleNamespace(supervisor=TaskSupervisor(), broadcast=broadcast, state=states.get, offline=False)
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
