"""What a server says outside of calls reaches the one client that it is for, while that client listens."""

import asyncio

import pytest
from tests.gates.mcp.messages import bearer
from tests.gates.mcp.session_client import CAN, SessionClient
from tests.gates.mcp.talker import QUESTION, Talker, note

from triplegate.gates.mcp import asides as module


async def eventually(holds, within=20.0):
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
async def start(house, serve, http):
    """A gateway before a talker with sessions; `more`: of its document."""

    async def make(more="", **how):
        talker = Talker(**how)
        server = await serve(talker)
        gate = await house(f"servers: {{s0: {{url: {server.url}/mcp, alias: files{more}}}}}\n")
        gate.talker = talker
        http.headers.update(bearer(gate.key()))
        return gate

    return make


async def opened(http, gate, **how):
    """A client whose call has opened a session at the server, and the name of that."""
    client = await SessionClient.open(http, f"{gate.url}/mcp", **how)
    return client, await call(client, gate)


async def call(client, gate):
    async with client.call("files__logs") as events:
        while "result" not in await events.next():
            pass
    return next(h["mcp-session-id"] for _, body, h in reversed(gate.talker.seen) if body.get("method") == "tools/call")


def log(text, level="error"):
    return note("message", level=level, data=text)


async def heard(gate, name):
    """The stream of that session at the server, once it is open."""
    await eventually(lambda: name in gate.talker.beside)
    return gate.talker.beside[name]


async def test_what_belongs_to_no_call_reaches_its_client_and_nobody_else(start, http):
    gate = await start()
    (one, first), (two, second) = await opened(http, gate), await opened(http, gate)
    assert not gate.talker.beside, "nobody listens"
    async with one.listen() as ours, two.listen() as theirs:
        for name in (first, second):
            (await heard(gate, name)).put_nowait(log(f"for {name}"))
        assert (await ours.next("notifications/message"))["params"]["data"] == f"for {first}"
        assert (await theirs.next("notifications/message"))["params"]["data"] == f"for {second}"
        await one.request("logging/setLevel", {"level": "error"})
        gate.talker.beside[first].put_nowait(log("little", "info"))
        gate.talker.beside[first].put_nowait(log("much"))
        assert (await ours.next("notifications/message"))["params"]["data"] == "much"
    await eventually(lambda: not gate.talker.beside and not gate.talker.listening)


async def test_a_session_that_is_opened_later_is_heard_too(start, http):
    gate = await start()
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.listen() as events:
        await anext(events)
        name = await call(client, gate)
        (await heard(gate, name)).put_nowait(log("at last"))
        assert (await events.next("notifications/message"))["params"]["data"] == "at last"


async def test_a_question_outside_of_a_call_is_answered_by_its_client(start, http):
    gate = await start()
    client, name = await opened(http, gate)
    other, _ = await opened(http, gate)
    answered = gate.talker.answers["q9"] = asyncio.get_running_loop().create_future()
    async with client.listen() as events:
        asked = {"jsonrpc": "2.0", "id": "q9", "method": "elicitation/create", "params": QUESTION}
        (await heard(gate, name)).put_nowait(asked)
        question = await events.next("elicitation/create")
        assert (question["id"][:3], question["params"]) == ("gw:", QUESTION)
        said = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}}
        await other.say(said)
        assert not answered.done(), "only the session that was asked can answer"
        await client.say(said)
        async with asyncio.timeout(20):
            assert (await answered)["result"] == {"action": "decline"}
    [posted] = [headers for method, body, headers in gate.talker.seen if body.get("id") == "q9"]
    assert posted["mcp-session-id"] == name


LINK = {"mode": "url", "url": "javascript:x", "message": "m", "elicitationId": "e"}


@pytest.mark.parametrize(
    ("capabilities", "method", "params", "told"),
    [
        ({}, "elicitation/create", QUESTION, -32601),
        (
            CAN,
            "elicitation/create",
            LINK,
            -32601,
        ),
        (CAN, "vendor/x", {}, -32601),
        (CAN, "ping", {}, None),
    ],
)
async def test_what_a_client_cannot_be_asked_is_told_to_the_server(start, http, capabilities, method, params, told):
    gate = await start()
    client, name = await opened(http, gate, capabilities=capabilities)
    answered = gate.talker.answers["q9"] = asyncio.get_running_loop().create_future()
    async with client.listen() as events, asyncio.timeout(20):
        queue = await heard(gate, name)
        queue.put_nowait({"jsonrpc": "2.0", "id": "q9", "method": method, "params": params})
        assert (await answered).get("error", {}).get("code") == told
        queue.put_nowait(log("after"))
        assert (await events.next())["params"]["data"] == "after", "the client was not asked"


async def test_a_change_is_told_once_in_our_own_words(start, http):
    gate = await start()
    client, name = await opened(http, gate)
    async with client.listen() as events:
        (await heard(gate, name)).put_nowait(note("tools/list_changed"))
        assert await events.next() == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        gate.talker.beside[name].put_nowait(note("resources/updated", uri="mem://a"))
        gate.talker.beside[name].put_nowait(log("after"))
        assert (await events.next())["params"]["data"] == "after", "it is not subscribed"


async def test_a_stream_that_breaks_is_taken_up_after_its_last_event(start, http, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)
    gate = await start()
    client, name = await opened(http, gate)
    async with client.listen():
        queue = await heard(gate, name)
        queue.put_nowait(("mark-7", log("one")))
        queue.put_nowait(None)
        await eventually(lambda: any(headers.get("last-event-id") == "mark-7" for _, _, headers in gate.talker.seen))


async def test_a_server_without_such_streams_is_asked_once(start, http):
    gate = await start(streams=False)
    for _ in range(3):
        client, _ = await opened(http, gate)
        async with client.listen() as events:
            await anext(events)
            state = gate.gateway.snapshot.gates["mcp"].servers["s0"].state
            await eventually(lambda: state.silent and not state.asides)  # noqa: B023 - looked at here
    asked = [headers["mcp-session-id"] for method, _, headers in gate.talker.seen if method == "GET"]
    assert len([one for one in asked if one != "up-1"]) == 1


async def test_only_so_many_are_open_at_one_server(start, http):
    gate = await start(", connections: {max: 7}")
    state = gate.gateway.snapshot.gates["mcp"].servers["s0"].state
    (one, first), (two, _) = await opened(http, gate), await opened(http, gate)
    async with one.listen() as ours:
        await heard(gate, first)
        async with two.listen() as theirs:
            await anext(theirs)
            gate.talker.beside[first].put_nowait(log("still"))
            assert (await ours.next("notifications/message"))["params"]["data"] == "still"
            assert (state.asides, list(gate.talker.beside)) == (1, [first])
    await eventually(lambda: state.asides == 0)


@pytest.mark.parametrize("where", ["server", "gate"])
async def test_where_guards_look_nothing_passes_beside_them(start, http, where):
    guard = "{use: guardrail, name: g, pii: [email], action: mask, on: [tool_results]}"
    alone = f", policies: [{guard}]"
    all_of_it = "}}\nmcp: {policies: [{use: key_auth}, " + guard + "]} #"
    gate = await start(alone if where == "server" else all_of_it)
    client, _ = await opened(http, gate)
    async with client.listen() as events:
        await anext(events)
        assert gate.gateway.snapshot.gates["mcp"].servers["s0"].state.asides == 0
