"""Lists among nodes: one node's list serves another, and what changes is heard everywhere."""

import asyncio

import msgspec
import pytest
from tests.gates.mcp.messages import bearer, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers

from triplegate.core.clock import SystemClock
from triplegate.gates.mcp.server import ServerState
from triplegate.gates.mcp.shelf import TOPIC
from triplegate.stores.memory.cache import MemoryCache
from triplegate.stores.memory.store import MemoryStore

ONE, TWO = b'{"name":"one","x":1.50}', b'{"name":"two"}'


class SharedCache(MemoryCache):
    """As of several nodes."""

    shared = True


@pytest.fixture
def nodes(house):
    """Start nodes that share a cache and hear each other."""
    clock = SystemClock()
    cache, broadcast = SharedCache(clock), MemoryStore(clock).broadcast

    async def start(documents):
        return await house(documents, cache=cache, broadcast=broadcast)

    start.cache, start.broadcast = cache, broadcast
    return start


async def names(http, gate):
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=bearer(gate.key())))
    result = answer.json()["result"]
    return [tool["name"] for tool in result["tools"]], result["_meta"].get("triplegate.dev/unavailable")


async def eventually(true):
    async with asyncio.timeout(4):
        while not true():
            await asyncio.sleep(0.01)


def listing(gate):
    (state,) = gate.gateway.kit.states.every(ServerState)
    return state.listings["tool"]


async def test_a_node_that_starts_while_a_server_is_away_has_what_another_fetched(nodes, serve, http):
    behind = await serve(Offering("modern", tools=ONE))
    documents = servers(behind)
    assert await names(http, await nodes(documents)) == (["files__one"], None)
    await behind.stop()
    second = await nodes(documents)
    assert await names(http, second) == (["files__one"], ["s0"])
    assert listing(second).items[0].definition == ONE


async def test_a_change_is_heard_by_the_other_nodes_at_once(nodes, serve, http):
    offering = Offering("modern", tools=ONE)
    documents = servers(await serve(offering))
    first, second = await nodes(documents), await nodes(documents)
    for gate in (first, second):
        assert await names(http, gate) == (["files__one"], None)
    offering.offered["tools"] = TWO
    listing(first).fresh_until = 0.0
    asked = offering.methods.count("tools/list")
    assert await names(http, first) == (["files__two"], None)
    await eventually(lambda: listing(second).items[0].name == "two")
    assert await names(http, second) == (["files__two"], None)
    assert offering.methods.count("tools/list") == asked + 1


async def test_what_is_no_list_and_no_message_is_left_alone(nodes, serve, http):
    behind = await serve(Offering("modern", tools=ONE))
    gate = await nodes(servers(behind))
    assert await names(http, gate) == (["files__one"], None)
    (key,) = nodes.cache._entries
    await nodes.cache.put(key, b"7", 60)
    for message in (b"", b"7", b'["a","b","tool"]', b'["a","b","nothing"]'):
        await nodes.broadcast.publish(TOPIC, message)
    place = f"s0|{behind.url}/mcp"
    await nodes.broadcast.publish(TOPIC, msgspec.json.encode(("another", place, "tool")))
    await nodes.cache.put(key, b"[" + TWO + b"]", 60)
    await nodes.broadcast.publish(TOPIC, msgspec.json.encode(("another", place, "tool")))
    await eventually(lambda: listing(gate).items[0].name == "two")


async def test_a_node_alone_keeps_no_second_copy(house, serve, http):
    cache = MemoryCache(SystemClock())
    gate = await house(servers(await serve(Offering("modern", tools=ONE))), cache=cache)
    assert await names(http, gate) == (["files__one"], None)
    assert cache.size == 0
