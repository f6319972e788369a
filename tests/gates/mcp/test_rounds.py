"""A server of 2026-07-28 asks by its result, a client in a session answers on its stream."""

import msgspec
import pytest
from tests.gates.mcp.messages import META, bearer, modern
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker
from tests.gates.mcp.test_gate import servers

ACCEPTED = {"action": "accept", "content": {"name": "Ann"}}


async def test_the_call_is_made_again_with_what_was_answered(house, serve, http):
    talker = Talker("modern")
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__ask", identity="mine") as events:
        asked = await events.next()
        assert (asked["method"], asked["params"]["message"]) == ("elicitation/create", "Who?")
        await client.say({"jsonrpc": "2.0", "id": asked["id"], "result": ACCEPTED})
        answer = await events.next()
    assert answer == {"jsonrpc": "2.0", "id": "mine", "result": {"content": [{"type": "text", "text": "done"}]}}
    first, second, third = [body["params"] for body in talker.methods("tools/call")]
    assert first["_meta"]["io.modelcontextprotocol/clientCapabilities"]["elicitation"] == {}
    assert second["inputResponses"] == {"name": ACCEPTED}
    assert second["requestState"] == "start"
    # the server asked nothing more, only to be called again
    assert (third["requestState"], "inputResponses" in third) == ("half", False)
    assert gate.calls[-1].outcome == "ok"


async def test_a_client_that_answers_with_an_error_ends_the_call(house, serve, http):
    gate = await house(servers(await serve(Talker("modern"))))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__ask") as events:
        asked = await events.next()
        await client.say({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -1, "message": "no"}})
        answer = await events.next()
    assert answer["error"]["data"]["refusal"] == "question_unanswered"


async def test_a_client_that_can_be_asked_nothing_is_not_asked(house, serve, http):
    talker = Talker("modern")
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp", capabilities={})
    answer = await client.request("tools/call", {"name": "files__ask"})
    assert answer["error"]["code"] == -32003
    assert talker.methods("tools/call")[0]["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] == {}


async def test_only_what_the_client_declared_is_asked(house, serve, http):
    gate = await house(servers(await serve(Talker("modern"))))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp", capabilities={"sampling": {}})
    answer = await client.request("tools/call", {"name": "files__ask"})
    assert answer["error"]["data"]["refusal"] == "upstream_failed"


async def test_a_server_that_asks_for_ever_is_ended(house, serve, http, monkeypatch):
    from triplegate.gates.mcp import rounds

    monkeypatch.setattr(rounds, "MOST", 3)
    talker = Talker("modern")
    talker._asked = lambda params: {"resultType": "input_required", "requestState": "on"}
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    answer = await client.request("tools/call", {"name": "files__ask"})
    assert answer["error"]["data"]["refusal"] == "upstream_failed"
    assert len(talker.methods("tools/call")) == 4


@pytest.mark.parametrize("stream", [False, True])
async def test_between_modern_sides_questions_pass_as_they_are(house, serve, http, stream):
    gate = await house(servers(await serve(Talker("modern"))))
    http.headers.update(bearer(gate.key()))
    answer = (await http.post(f"{gate.url}/mcp", **modern("tools/call", {"name": "files__ask"}))).json()["result"]
    assert (answer["resultType"], answer["requestState"]) == ("input_required", "start")
    more = {"name": "files__ask", "requestState": "start", "inputResponses": {"name": ACCEPTED}, "_meta": META}
    answer = (await http.post(f"{gate.url}/mcp", **modern("tools/call", more))).json()["result"]
    assert answer["requestState"] == "half"


async def test_questions_behind_progress_on_a_stream_are_asked_too(house, serve, http):
    talker = Talker("modern")

    async def streamed(body):
        from tests.gates.mcp.talker import event, note

        yield event(note("message", level="info", data="begun"))
        yield event({"jsonrpc": "2.0", "id": body["id"], "result": talker._asked(body["params"])})

    talker._logs = streamed
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__logs", identity=3) as events:
        assert (await events.next())["method"] == "notifications/message"
        asked = await events.next()
        await client.say({"jsonrpc": "2.0", "id": asked["id"], "result": ACCEPTED})
        answer = await events.next()
        while "method" in answer:
            answer = await events.next()
    assert answer["id"] == 3
    assert msgspec.json.encode(answer["result"]).startswith(b'{"content"')
