"""What servers ask clients of sessions, and what these answer: to whoever asked, and to nobody else."""

import pytest
from tests.gates.mcp.messages import bearer
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker
from tests.gates.mcp.test_gate import servers

ACCEPTED = {"action": "accept", "content": {"name": "Ann"}}


async def test_a_server_asks_on_the_stream_of_the_call_and_gets_the_answer(house, serve, http):
    talker = Talker()
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__ask", identity="mine") as events:
        asked = await events.next()
        assert asked["method"] == "elicitation/create"
        assert asked["params"]["message"] == "Who?"
        assert asked["id"].startswith("gw:s0:")
        assert await client.say({"jsonrpc": "2.0", "id": asked["id"], "result": ACCEPTED}) == 202
        answer = await events.next()
    assert answer["id"] == "mine"
    assert answer["result"]["content"][0]["text"] == '{"action":"accept","content":{"name":"Ann"}}'
    # the server was told what this very client can be asked
    assert talker.methods("initialize")[-1]["params"]["capabilities"]["elicitation"] == {}


async def test_an_error_is_an_answer_too(house, serve, http):
    gate = await house(servers(await serve(Talker())))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__ask") as events:
        asked = await events.next()
        await client.say({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -1, "message": "no"}})
        answer = await events.next()
    assert '"message":"no"' in answer["result"]["content"][0]["text"]


async def test_an_answer_is_taken_from_the_session_that_was_asked_only(house, serve, http):
    talker = Talker()
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client, other = [await SessionClient.open(http, f"{gate.url}/mcp") for _ in range(2)]
    async with client.call("files__ask") as events:
        asked = await events.next()
        forged = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"name": "Eve"}}}
        assert await other.say(forged) == 202
        assert await client.say(forged | {"id": "q2"}) == 202
        assert await client.say(forged | {"id": asked["id"][:-1] + "_"}) == 202
        assert not any(future.done() for future in talker.answers.values())
        await client.say(forged | {"result": ACCEPTED})
        answer = await events.next()
    assert "Ann" in answer["result"]["content"][0]["text"]


@pytest.mark.parametrize("mode", ["legacy"])
async def test_the_official_client_is_asked(house, serve, mode):
    import mcp_types as types
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    gate = await house(servers(await serve(Talker())))

    async def elicited(context, params):
        return types.ElicitResult(action="accept", content={"name": "Ann"})

    async with create_mcp_http_client(bearer(gate.key())) as web:
        transport = streamable_http_client(f"{gate.url}/mcp", http_client=web)
        async with Client(transport, mode=mode, read_timeout_seconds=10, elicitation_callback=elicited) as client:
            answer = await client.call_tool("files__ask", {})
    assert "Ann" in answer.content[0].text
