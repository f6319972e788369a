"""Questions of our own: asked in both eras, answered once, by the one who was asked, for the call that asked."""

import asyncio

import msgspec
import pytest
from tests.gates.mcp.messages import META, bearer, modern
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.test_calling import scripted
from tests.gates.mcp.test_gate import servers

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.calling import Calling
from triplegate.gates.mcp.questions import Question

SCHEMA = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
QUESTION = Question("approval", msgspec.json.encode({"message": "Sure?", "requestedSchema": SCHEMA}))
SURE = {"action": "accept", "content": {"sure": True}}
CAN = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
CALL = {"name": "files__t", "arguments": {"a": 1}, "_meta": META | CAN}


@pytest.fixture
def asked_first(monkeypatch):
    """Every call is asked about before it is made; `within` seconds may be changed."""
    carry = Calling.forward
    more = {}

    async def forward(self, exchange, call, item, screen=None):
        async def then(given):
            if given.action != "accept":
                raise Refusal("forbidden", f"It was said: {given.action}")
            return await carry(self, exchange, call, item, screen)

        return await self._questions.ask(exchange, call, QUESTION, then, **more)

    monkeypatch.setattr(Calling, "forward", forward)
    return more


@pytest.fixture
async def asking(house, serve, asked_first, http):
    """A gateway, and what reached its server."""
    log = []
    gate = await house(servers(await serve(scripted("modern", log=log))))
    gate.log = log
    http.headers.update(bearer(gate.key()))
    return gate


def reached(gate):
    return [msgspec.json.decode(entry[1])["params"] for entry in gate.log if entry[0] == "tools/call"]


async def call(http, gate, **changes):
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL | changes))
    return answer.status_code, answer.json()


async def test_a_modern_client_is_asked_by_the_result_and_calls_again(asking, http):
    _, first = await call(http, asking)
    result = first["result"]
    assert result["resultType"] == "input_required"
    assert result["inputRequests"]["approval"]["method"] == "elicitation/create"
    assert result["inputRequests"]["approval"]["params"]["message"] == "Sure?"
    assert not reached(asking)
    again = {"requestState": result["requestState"], "inputResponses": {"approval": SURE}}
    _, second = await call(http, asking, **again)
    assert second["result"]["content"][0]["type"] == "hologram"
    (params,) = reached(asking)
    assert "requestState" not in params
    assert "inputResponses" not in params
    # what was used once is of no use again
    status, third = await call(http, asking, **again)
    assert (status, third["error"]["code"]) == (400, -32602)
    assert len(reached(asking)) == 1


async def test_a_missing_answer_or_one_that_does_not_fit_is_asked_for_again(asking, http):
    _, answer = await call(http, asking)
    for given in ({}, {"approval": {"action": "accept", "content": {"sure": "yes"}}}, {"approval": 7}, {"other": SURE}):
        state = answer["result"]["requestState"]
        _, answer = await call(http, asking, requestState=state, inputResponses=given)
        assert answer["result"]["resultType"] == "input_required"
    state = answer["result"]["requestState"]
    decline = {"approval": {"action": "decline"}}
    status, answer = await call(http, asking, requestState=state, inputResponses=decline)
    assert (status, answer["error"]["message"]) == (403, "It was said: decline")
    assert not reached(asking)


async def test_a_state_is_of_use_to_its_own_caller_for_its_own_call_only(asking, http, asked_first):
    _, answer = await call(http, asking)
    state = answer["result"]["requestState"]
    given = {"requestState": state, "inputResponses": {"approval": SURE}}
    flipped = state[:20] + ("A" if state[20] != "A" else "B") + state[21:]
    others = [
        (bearer(asking.key(consumer="other")), CALL | given),
        ({}, CALL | given | {"arguments": {"a": 2}}),
        ({}, CALL | given | {"requestState": flipped}),
    ]
    for headers, params in others:
        answer = await http.post(f"{asking.url}/mcp", **modern("tools/call", params, headers=headers))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)
    assert not reached(asking)
    asked_first["within"] = -5.0
    _, answer = await call(http, asking)
    status, answer = await call(
        http, asking, requestState=answer["result"]["requestState"], inputResponses={"approval": SURE}
    )
    assert (status, answer["error"]["code"]) == (400, -32602)
    assert not reached(asking)


async def test_a_state_fits_the_call_as_it_came_although_a_guard_masks_what_it_says(asking, http, tmp_path):
    written = (tmp_path / "triplegate.yaml").read_text()
    asking.reload(written + "gateway: {policies: [{use: guardrail, pii: [email], action: mask, on: [input]}]}\n")
    arguments = {"arguments": {"to": "ada@mail.example.org"}}
    _, first = await call(http, asking, **arguments)
    state = first["result"]["requestState"]
    _, second = await call(http, asking, **arguments, requestState=state, inputResponses={"approval": SURE})
    assert second["result"]["content"][0]["type"] == "hologram"
    assert reached(asking)[0]["arguments"] == {"to": "<EMAIL_1>"}


async def test_a_client_that_cannot_be_asked_is_told_what_it_lacks(asking, http):
    status, answer = await call(http, asking, _meta=META)
    assert (status, answer["error"]["code"]) == (400, -32021)
    assert answer["error"]["data"]["requiredCapabilities"] == {"elicitation": {}}


async def test_a_client_in_a_session_is_asked_over_its_stream(asking, http):
    client = await SessionClient.open(http, f"{asking.url}/mcp")
    async with client.call("files__t", identity=4, arguments={"a": 1}) as events:
        asked = await events.next()
        assert (asked["method"], asked["params"]["message"]) == ("elicitation/create", "Sure?")
        assert not reached(asking)
        await client.say({"jsonrpc": "2.0", "id": asked["id"], "result": SURE})
        answer = await events.next()
    assert answer["id"] == 4
    assert answer["result"]["content"][0]["type"] == "hologram"


async def test_an_answer_over_the_stream_that_does_not_fit_is_asked_for_thrice(asking, http):
    client = await SessionClient.open(http, f"{asking.url}/mcp")
    async with client.call("files__t") as events:
        for _ in range(3):
            asked = await events.next()
            await client.say({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}})
        answer = await events.next()
    assert answer["error"]["data"]["refusal"] == "question_unanswered"
    assert not reached(asking)


async def test_nobody_answers_and_the_call_ends(asking, http, asked_first):
    asked_first["within"] = 0.1
    client = await SessionClient.open(http, f"{asking.url}/mcp")
    async with client.call("files__t") as events:
        await events.next()
        answer = await events.next()
    assert answer["error"]["data"]["refusal"] == "question_unanswered"


async def test_the_answers_to_ours_travel_in_the_state_of_a_servers_own_questions(house, serve, asked_first, http):
    from tests.gates.mcp.talker import Talker

    talker = Talker("modern")
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    params = {"name": "files__ask", "_meta": META | CAN}
    answers, state, given = [], None, {}
    for _ in range(4):
        more = {"requestState": state, "inputResponses": given} if state else {}
        result = (await http.post(f"{gate.url}/mcp", **modern("tools/call", params | more))).json()["result"]
        answers.append(sorted(result.get("inputRequests", {})))
        state = result.get("requestState")
        given = {"approval": SURE, "name": {"action": "accept", "content": {"name": "Ann"}}}
        given = {key: given[key] for key in result.get("inputRequests", {})}
    assert answers == [["approval"], ["name"], [], []]
    states = [body["params"].get("requestState") for body in talker.methods("tools/call")]
    assert states == [None, "start", "half"]  # what the server said comes back to it as it was


async def test_an_answer_may_be_left_in_the_clients_place(house, serve, http, monkeypatch):
    carry = Calling.forward
    left = asyncio.Event()
    asker = []

    async def forward(self, exchange, call, item, screen=None):
        asker[:] = [self._questions, call.session.id]
        question = msgspec.structs.replace(QUESTION, box="box-1")
        left.set()
        return await self._questions.ask(exchange, call, question, lambda _: carry(self, exchange, call, item))

    monkeypatch.setattr(Calling, "forward", forward)
    gate = await house(servers(await serve(scripted("modern"))))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__t") as events:
        await events.next()
        await left.wait()
        await asker[0].leave(asker[1], "box-1", msgspec.json.encode(SURE))
        answer = await events.next()
    assert "result" in answer
