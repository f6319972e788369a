"""A server with sessions asks a client that has none: the call waits there, and the call made again answers."""

import asyncio

import pytest
from tests.gates.mcp.messages import META, bearer, modern
from tests.gates.mcp.talker import QUESTION, Talker, event, note
from tests.gates.mcp.test_gate import servers
from tests.gates.mcp.test_hub import PORTS
from tests.gates.mcp.test_streaming import eventually

from triplegate.gates.mcp import parking as module
from triplegate.stores.memory.store import MemoryStore

CAN = META | {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
CALL = {"name": "files__ask", "_meta": CAN}
ANN = {"question": {"action": "accept", "content": {"name": "Ann"}}}


@pytest.fixture
async def parking(house, serve, http):
    """Two nodes before a talker that may ask."""
    from triplegate.core.clock import SystemClock

    talker = Talker()
    documents = servers(await serve(talker), s0=", parked: true")
    store = MemoryStore(SystemClock())
    nodes = [await house(documents, **{port: getattr(store, port) for port in PORTS}) for _ in range(2)]
    key = nodes[0].key()
    nodes[1].keys.by_id.update(nodes[0].keys.by_id)
    http.headers.update(bearer(key))
    for node in nodes:
        node.talker = talker
    return nodes


async def result_of(http, gate, **params):
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL | params))
    text = answer.text
    if "data:" in text:
        import msgspec

        messages = [msgspec.json.decode(line[5:]) for line in text.splitlines() if line.startswith("data:")]
        return messages[-1].get("result", messages[-1])
    return answer.json().get("result", answer.json())


async def test_a_call_waits_at_its_server_until_its_client_has_answered(parking, http):
    here, there = parking
    asked = await result_of(http, here)
    assert asked["resultType"] == "input_required"
    assert asked["inputRequests"] == {"question": {"method": "elicitation/create", "params": QUESTION}}
    # the call made again may come to any node; without an answer that fits it is asked again
    again = await result_of(http, there, requestState=asked["requestState"])
    assert again["resultType"] == "input_required"
    done = await result_of(http, there, requestState=again["requestState"], inputResponses=ANN)
    assert done["resultType"] == "complete"
    assert "Ann" in done["content"][0]["text"]
    assert len(here.talker.methods("tools/call")) == 1
    assert not here.talker.methods("notifications/cancelled")


async def test_a_server_may_ask_more_than_once(parking, http):
    here, there = parking
    talker = here.talker

    async def twice(body):
        for number in (1, 2):
            talker.answers[f"t{number}"] = asyncio.get_running_loop().create_future()
            asked = {"jsonrpc": "2.0", "id": f"t{number}", "method": "elicitation/create", "params": QUESTION}
            yield event(note("message", level="info", data="x")) + event(asked)
            await talker.answers[f"t{number}"]
        yield talker._end(body, "twice")

    talker._ask = twice
    answer = await result_of(http, here)
    for node in (there, here):
        assert answer["resultType"] == "input_required"
        answer = await result_of(http, node, requestState=answer["requestState"], inputResponses=ANN)
    assert answer["content"][0]["text"] == "twice"


async def test_a_client_that_cannot_be_asked_is_not(parking, http):
    here, _ = parking
    done = await result_of(http, here, _meta=META)
    assert "-32601" in done["content"][0]["text"]  # the server was told so


async def test_nobody_comes_back_and_the_server_is_told(parking, http, monkeypatch):
    here, _ = parking
    monkeypatch.setattr(module, "WITHIN", 0.05)
    monkeypatch.setattr(module, "_BEAT", 0.02)
    await result_of(http, here)
    await eventually(lambda: here.talker.methods("notifications/cancelled"))


async def test_a_node_that_is_gone_keeps_nobody_waiting(parking, http, monkeypatch):
    here, there = parking
    monkeypatch.setattr(module, "_GONE", 0.05)
    asked = await result_of(http, here)
    await here.supervisor.close(1)

    async def lost(*_):
        return True

    monkeypatch.setattr("triplegate.gates.mcp.calling.answer_parked", lost)
    for _ in range(2):  # what was said before is there; then nothing is
        answer = await result_of(http, there, requestState=asked["requestState"], inputResponses=ANN)
        if "error" in answer:
            break
    assert answer["error"]["data"]["refusal"] == "upstream_reset"


async def test_without_the_option_a_server_is_told_that_nobody_can_be_asked(house, serve, http):
    talker = Talker()
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    done = await result_of(http, gate)
    assert "-32601" in done["content"][0]["text"]
    assert talker.methods("initialize")[-1]["params"]["capabilities"] == {}
