"""Sessions at servers: a client in a session is spoken to in one wherever its server has both eras."""

import msgspec
import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker
from tests.gates.mcp.test_gate import ECHO, servers


async def sessions_of(http, upstream):
    seen = (await http.get(f"{upstream.url}/control/requests")).json()
    return [dict(request["headers"]).get("mcp-session-id") for request in seen]


async def test_a_server_of_both_eras_is_spoken_to_in_the_clients(house, sample, http):
    upstream = await sample("both")
    gate = await house(servers(upstream))
    http.headers.update(bearer(gate.key()))
    await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO))
    assert set(await sessions_of(http, upstream)) == {None}
    session = await initialize(http, f"{gate.url}/mcp")
    for _ in range(2):
        answer = await http.post(f"{gate.url}/mcp", **legacy("tools/call", ECHO, session=session))
        assert answer.json()["result"]["content"][0]["text"] == "grüße"
    *_, first, second = await sessions_of(http, upstream)
    assert first == second is not None


async def test_a_server_without_sessions_is_asked_for_one_once(house, serve, http):
    talker = Talker("modern")
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    for _ in range(3):
        client = await SessionClient.open(http, f"{gate.url}/mcp")
        async with client.call("files__logs") as events:
            while "result" not in (await events.next()):
                pass
    assert len(talker.methods("initialize")) == 1


async def test_a_session_that_is_opened_later_logs_as_was_asked_before(house, serve, http):
    talker = Talker()
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    await client.request("logging/setLevel", {"level": "error"})
    assert not talker.methods("logging/setLevel")
    async with client.call("files__logs") as events:
        assert (await events.next())["params"]["level"] == "error"
    assert talker.methods("logging/setLevel")[0]["params"] == {"level": "error"}


@pytest.mark.parametrize("era", ["legacy"])
async def test_a_modern_call_is_declared_able_to_answer_nothing(house, serve, http, era):
    talker = Talker(era)
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    await http.post(f"{gate.url}/mcp", **modern("tools/call", {"name": "files__logs"}))
    assert [body["params"]["capabilities"] for body in talker.methods("initialize")] == [{}] * 2
    assert msgspec.json.encode(talker.methods("tools/call")[0]["params"]) == b'{"name":"logs"}'
