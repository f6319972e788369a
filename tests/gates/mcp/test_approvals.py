"""A marked tool is called after a person's yes: once, for these arguments, in time; else it is not called at all."""

import asyncio

import msgspec
import pytest
from tests.gates.mcp.messages import META, bearer, modern
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker
from tests.gates.mcp.test_calling import scripted

from triplegate.gates.mcp.approvals import decision
from triplegate.gates.mcp.talking import BOX

YES, NO = {"action": "accept", "content": {"approve": True}}, {"action": "accept", "content": {"approve": False}}
CAN = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
CALL = {"name": "files__t", "arguments": {"path": "/x\u200b"}, "_meta": META | CAN}


class Desk:
    """The port `Approvals`, kept in a dict; can be away."""

    def __init__(self):
        self.kept, self.away, self.news = {}, False, asyncio.Event()

    async def begin(self, approval):
        if not self.away:
            self.kept[approval.approval_id] = approval
            self.news.set()
        return not self.away

    async def decide(self, approval_id, state, actor):
        one = self.kept[approval_id]
        if self.away or one.state != "waiting":
            return False
        self.kept[approval_id] = msgspec.structs.replace(one, state=state, actor=actor)
        self.news.set()
        return True

    async def is_approved(self, approval_id, digest):
        one = self.kept.get(approval_id)
        return one is not None and (one.state, one.digest) == ("approved", digest)

    @property
    def one(self):
        [one] = self.kept.values()
        return one

    async def until(self, state):
        """Wait until the only question has come to that."""
        async with asyncio.timeout(5):
            while not any(one.state == state for one in self.kept.values()):
                self.news.clear()
                await self.news.wait()
        return self.one


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
async def marked(house, serve, http, desk):
    """A gateway whose tool t needs approval by whom is said, and what reached its server."""

    async def start(rule, era="modern", handler=None):
        log = []
        server = await serve(handler or scripted(era, log=log))
        text = f"servers: {{s0: {{url: {server.url}/mcp, alias: files, price: 0.5, approval: {rule}}}}}\n"
        gate = await house(text, approvals=desk)
        gate.log = log
        http.headers.update(bearer(gate.key()))
        return gate

    return start


def reached(gate):
    return [entry for entry in gate.log if entry[0] == "tools/call"]


async def call(http, gate, **changes):
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL | changes))
    return answer.json()


async def asked(http, gate):
    """The state and the key that the first round gives."""
    result = (await call(http, gate))["result"]
    [(key, question)] = result["inputRequests"].items()
    return result["requestState"], key, question


async def test_the_caller_says_yes_and_the_call_is_made_once(marked, http, desk):
    gate = await marked("{tools: [t]}")
    state, key, question = await asked(http, gate)
    assert "files__t" in question["params"]["message"]
    assert "/x⟨U+200B⟩" in question["params"]["message"]
    assert not reached(gate)
    again = {"requestState": state, "inputResponses": {key: YES}}
    assert "result" in await call(http, gate, **again)
    assert len(reached(gate)) == 1
    assert (desk.one.state, desk.one.actor.split()[0], desk.one.ask) == ("approved", "acme/web/ci", "caller")
    assert desk.one.arguments == ""
    assert (await call(http, gate, **again))["error"]["code"] == -32602
    assert len(reached(gate)) == 1
    assert [record.cost > 0 for record in gate.calls] == [False, True, False]
    assert {record.arguments for record in gate.calls[:2]} == {desk.one.digest}


@pytest.mark.parametrize("answer", [NO, {"action": "decline"}, {"action": "cancel"}])
async def test_the_caller_says_no_and_nothing_is_called(marked, http, desk, answer):
    gate = await marked("{tools: ['*']}")
    state, key, _ = await asked(http, gate)
    refused = await call(http, gate, requestState=state, inputResponses={key: answer})
    assert refused["error"]["data"]["refusal"] == "approval_declined"
    assert not reached(gate)
    assert desk.one.state == "declined"
    assert gate.calls[-1].cost == 0


async def test_an_approval_is_for_these_arguments_and_this_caller(marked, http, desk):
    gate = await marked("{tools: [t]}")
    state, key, _ = await asked(http, gate)
    again = {"requestState": state, "inputResponses": {key: YES}}
    assert (await call(http, gate, **again, arguments={"path": "/y"}))["error"]["code"] == -32602
    other = modern("tools/call", CALL | again, headers=bearer(gate.key(consumer="other")))
    assert (await http.post(f"{gate.url}/mcp", **other)).json()["error"]["code"] == -32602
    assert not reached(gate)


async def test_an_approval_that_came_too_late_is_none(marked, http, desk):
    gate = await marked("{tools: [t]}")
    state, key, _ = await asked(http, gate)
    await desk.decide(desk.one.approval_id, "expired", "")
    refused = await call(http, gate, requestState=state, inputResponses={key: YES})
    assert refused["error"]["data"]["refusal"] == "approval_declined"
    assert not reached(gate)


async def test_who_cannot_be_asked_cannot_call(marked, http, desk):
    gate = await marked("{tools: [t]}")
    refused = await call(http, gate, _meta=META)
    assert refused["error"]["code"] == -32021
    assert (desk.kept, reached(gate)) == ({}, [])


async def test_other_tools_are_called_as_ever(marked, http, desk):
    gate = await marked("[{tools: [delete_*]}]")
    assert "result" in await call(http, gate)
    assert desk.kept == {}


@pytest.mark.parametrize(
    ("arguments", "asks"), [({"amount": 100}, False), ({"amount": 101}, True), ({}, True), ({"amount": "5"}, True)]
)
async def test_only_calls_of_which_the_condition_is_not_false_wait(marked, http, desk, arguments, asks):
    gate = await marked("{tools: [t], when: args.amount > 100}")
    result = (await call(http, gate, arguments=arguments))["result"]
    assert ("inputRequests" in result, len(reached(gate)), len(desk.kept)) == (asks, not asks, asks)
    if asks:
        [key] = result["inputRequests"]
        again = await call(
            http, gate, arguments=arguments, requestState=result["requestState"], inputResponses={key: YES}
        )
        assert "result" in again
        assert (len(reached(gate)), desk.one.state) == (1, "approved")


async def test_nothing_is_called_while_nobody_can_be_asked(marked, http, desk):
    gate = await marked("{tools: [t]}")
    desk.away = True
    assert (await call(http, gate))["error"]["data"]["refusal"] == "approval_unavailable"
    assert not reached(gate)


@pytest.mark.parametrize(("answer", "state"), [(YES, "approved"), (NO, "declined")])
async def test_a_client_in_a_session_is_asked_over_its_stream(marked, http, desk, answer, state):
    gate = await marked("{tools: [t]}")
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__t", identity=4) as events:
        question = await events.next("elicitation/create")
        await client.say({"jsonrpc": "2.0", "id": question["id"], "result": answer})
        told = await events.next()
    assert (told["id"], "result" in told) == (4, state == "approved")
    assert len(reached(gate)) == (state == "approved")
    assert desk.one.state == state


async def test_a_question_to_a_session_ends_with_the_call(marked, http, desk):
    gate = await marked("{tools: [t], within: 0.2s}")
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.call("files__t") as events:
        await events.next("elicitation/create")
        assert (await events.next())["error"]["data"]["refusal"] == "question_unanswered"
    await desk.until("expired")
    assert not reached(gate)


async def resolve(gate, desk, *, approve):
    """As the control plane does it."""
    one = await desk.until("waiting")
    await desk.decide(one.approval_id, "approved" if approve else "declined", "ann")
    await gate.gateway.kit.mailbox.append(BOX + one.approval_id, decision(one.approval_id, approve=approve), 60.0)


def last_of(answer):
    """The message at the end of an event stream."""
    return msgspec.json.decode(answer.text.rpartition("data: ")[2].split("\n")[0])


@pytest.mark.parametrize("approve", [True, False])
async def test_an_admin_decides_while_the_call_waits(marked, http, desk, approve):
    gate = await marked("{tools: [t], by: admin}")
    deciding = asyncio.ensure_future(resolve(gate, desk, approve=approve))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL | {"_meta": META}, identity=5))
    await deciding
    told = last_of(answer)
    assert (told["id"], "result" in told) == (5, approve)
    assert len(reached(gate)) == approve
    assert "/x⟨U+200B⟩" in desk.one.arguments
    if not approve:
        assert told["error"]["data"]["refusal"] == "approval_declined"


async def test_an_admin_decides_on_a_call_of_a_session(marked, http, desk):
    gate = await marked("{tools: [t], by: admin}", era="legacy")
    client = await SessionClient.open(http, f"{gate.url}/mcp", capabilities={})
    deciding = asyncio.ensure_future(resolve(gate, desk, approve=True))
    async with client.call("files__t", identity=4) as events:
        assert "result" in await events.next()
    await deciding
    assert len(reached(gate)) == 1


async def test_a_call_that_no_admin_approves_ends_in_time(marked, http, desk):
    gate = await marked("{tools: [t], by: admin, within: 0.2s}")
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))
    assert last_of(answer)["error"]["data"]["refusal"] == "approval_expired"
    await desk.until("expired")
    assert not reached(gate)


@pytest.mark.parametrize("by", ["caller", "admin"])
async def test_a_server_that_asks_meanwhile_is_answered_without_another_approval(marked, http, desk, by):
    talker = Talker("modern")
    gate = await marked(f"{{tools: [ask], by: {by}}}", handler=talker)
    params = {"name": "files__ask", "_meta": META | CAN}
    deciding = asyncio.ensure_future(resolve(gate, desk, approve=True)) if by == "admin" else None
    state, given, asked_for = None, {}, []
    for _ in range(4):
        more = {"requestState": state, "inputResponses": given} if state else {}
        answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", params | more))
        result = (last_of(answer) if "data: " in answer.text else answer.json())["result"]
        asked_for.append(sorted(key.partition(":")[0] for key in result.get("inputRequests", {})))
        if result["resultType"] == "complete":
            break
        state = result.get("requestState")
        answers = {"name": {"action": "accept", "content": {"name": "Ann"}}}
        given = {key: answers.get(key, YES) for key in result.get("inputRequests", {})}
    assert result["resultType"] == "complete"
    assert asked_for == [["approval"]] * (by == "caller") + [["name"], [], []]
    assert desk.one.state == "approved"
    if deciding is not None:
        await deciding


async def test_a_call_that_is_parked_at_its_server_needs_no_other_approval(marked, http, desk):
    gate = await marked("{tools: [ask]}, parked: true", handler=Talker("legacy"))
    params, more, rounds = {"name": "files__ask", "_meta": META | CAN}, {}, 0
    while True:
        answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", params | more))
        result = (last_of(answer) if "data: " in answer.text else answer.json())["result"]
        if result["resultType"] == "complete":
            break
        rounds += 1
        assert rounds < 5
        name = {"action": "accept", "content": {"name": "Ann"}}
        given = {key: YES if key.startswith("approval:") else name for key in result["inputRequests"]}
        more = {"requestState": result["requestState"], "inputResponses": given}
    assert rounds >= 2
    assert desk.one.state == "approved"
