"""What a session does besides its requests: its own stream, streams taken up again, cancelling, its end."""

import asyncio

import pytest
from tests.gates.mcp.messages import META, bearer, legacy, modern
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker, note
from tests.gates.mcp.test_gate import servers


async def eventually(holds, within=5.0):
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
async def talking(house, serve, http):
    """A gateway before a talker with sessions."""
    talker = Talker()
    gate = await house(servers(await serve(talker)))
    gate.talker = talker
    http.headers.update(bearer(gate.key()))
    return gate


async def test_a_session_hears_what_its_servers_tell_everybody(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    await client.request("resources/subscribe", {"uri": "mem://a"})
    async with client.listen() as events:
        first, message = await anext(events)
        assert (message, events.retry) == (None, 500)
        assert first
        await eventually(lambda: talking.talker.methods("resources/subscribe"))
        talking.talker.tell(note("tools/list_changed"))
        assert await events.next() == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        talking.talker.tell(note("resources/updated", uri="mem://other"))
        talking.talker.tell(note("resources/updated", uri="mem://a"))
        heard = await events.next()
        assert heard["params"] == {"uri": "mem://a"}
        await client.request("resources/unsubscribe", {"uri": "mem://a"})
        await eventually(lambda: talking.talker.methods("resources/unsubscribe"))
    # the client is asked anew for the list of tools, and gets the one of now
    await eventually(lambda: not talking.talker.listening)


async def test_one_stream_from_a_server_is_enough_for_all_that_listen(talking, http):
    clients = [await SessionClient.open(http, f"{talking.url}/mcp") for _ in range(3)]
    async with clients[0].listen() as one, clients[1].listen() as two, clients[2].listen() as three:
        for events in (one, two, three):
            await anext(events)
        await eventually(lambda: talking.talker.listening)
        talking.talker.tell(note("prompts/list_changed"))
        for events in (one, two, three):
            assert (await events.next())["method"] == "notifications/prompts/list_changed"
        assert len(talking.talker.listening) == 1


async def test_a_second_stream_of_a_session_takes_the_place_of_the_first(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.listen() as old:
        await anext(old)
        async with client.listen() as new:
            await anext(new)
            assert [message async for _, message in old] == [None]
            await eventually(lambda: talking.talker.listening)
            talking.talker.tell(note("tools/list_changed"))
            assert (await new.next())["method"] == "notifications/tools/list_changed"


async def test_whoever_comes_back_looks_at_everything_again(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.listen() as events:
        mark, _ = await anext(events)
    async with client.listen(last=mark) as events:
        heard = {(await events.next())["method"] for _ in range(3)}
    assert heard == {f"notifications/{lists}/list_changed" for lists in ("tools", "prompts", "resources")}
    other = await SessionClient.open(http, f"{talking.url}/mcp")
    async with other.listen(last=mark) as events:
        assert (await anext(events))[1] is None
        talking.talker.tell(note("tools/list_changed"))
        assert (await events.next())["method"] == "notifications/tools/list_changed"


async def test_a_stream_that_its_server_lets_go_is_fetched_from_there(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.call("files__poll", identity="mine") as events:
        mark, message = await anext(events)
        assert (message, events.retry) == (None, 20)
        assert [event async for event in events] == []
    async with client.listen(last=mark) as events:
        _, answer = await anext(events)
    assert (answer["id"], answer["result"]["content"][0]["text"]) == ("mine", "fetched")
    assert len(talking.talker.methods("tools/call")) == 1
    # it is of no use to another session: that one gets a stream of its own
    other = await SessionClient.open(http, f"{talking.url}/mcp")
    async with other.listen(last=mark) as events:
        assert (await anext(events))[1] is None


@pytest.mark.parametrize("client", ["modern", "2025-06-18"])
async def test_where_the_client_does_not_know_that_the_gateway_fetches_the_rest(talking, http, client):
    if client == "modern":
        answer = await http.post(f"{talking.url}/mcp", **modern("tools/call", {"name": "files__poll", "_meta": META}))
        assert '"text":"fetched"' in answer.text
    else:
        session = await SessionClient.open(http, f"{talking.url}/mcp", version=client)
        async with session.call("files__poll") as events:
            answer = await events.next()
        assert answer["result"]["content"][0]["text"] == "fetched"
    assert len(talking.talker.methods("tools/call")) == 1


async def test_cancelling_ends_the_call_here_and_at_its_server(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.call("files__hang", identity="mine") as events:
        await talking.talker.hung.wait()
        assert await client.say(note("cancelled", requestId="mine", reason="enough")) == 202
        answer = await events.next()
    assert (answer["id"], answer["error"]["data"]["refusal"]) == ("mine", "call_cancelled")
    await eventually(lambda: talking.talker.methods("notifications/cancelled"))
    told = talking.talker.methods("notifications/cancelled")[0]["params"]["requestId"]
    assert told == talking.talker.methods("tools/call")[0]["id"]


async def test_a_client_that_leaves_does_not_end_its_call(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.call("files__steps") as events:
        await events.next()
    await asyncio.sleep(0.3)  # the sweep notices that it has left
    assert talking.live.wires
    talking.talker.go.set()
    await eventually(lambda: not talking.live.wires)
    assert not talking.talker.methods("notifications/cancelled")
    assert talking.calls[-1].outcome == "ok"


async def test_roots_that_changed_are_told_to_the_sessions_servers(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    await client.say(note("roots/list_changed"))
    async with client.call("files__logs") as events:
        await events.next()
    await client.say(note("roots/list_changed"))
    await eventually(lambda: len(talking.talker.methods("notifications/roots/list_changed")) == 1)


async def test_the_end_of_a_session_ends_its_stream(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.listen() as events:
        await anext(events)
        assert (await http.delete(client.url, headers={"mcp-session-id": client.id})).status_code == 204
        assert [message async for _, message in events] == [None]
    async with client.listen() as events:
        assert events.status == 404


async def test_streams_are_for_sessions_only(talking, http):
    accept = {"accept": "text/event-stream"}
    assert (await http.get(f"{talking.url}/mcp", headers=accept)).status_code == 400
    newer = accept | {"mcp-protocol-version": "2026-07-28"}
    assert (await http.get(f"{talking.url}/mcp", headers=newer)).status_code == 405
    assert (await http.delete(f"{talking.url}/mcp", headers=newer)).status_code == 405
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    other = bearer(talking.key(consumer="other"))
    assert (await http.get(f"{talking.url}/mcp", headers=client.headers | other)).status_code == 404


async def test_logs_come_from_the_level_that_was_asked_for(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")

    async def heard():
        async with client.call("files__logs") as events:
            return [message["params"]["level"] async for _, message in events if "params" in message]

    assert await heard() == ["debug", "info", "error"]
    assert (await client.request("logging/setLevel", {"level": "info"}))["result"] == {}
    assert await heard() == ["info", "error"]
    assert talking.talker.methods("logging/setLevel")[0]["params"] == {"level": "info"}
    assert (await client.request("logging/setLevel", {"level": "loud"}))["error"]["code"] == -32602
    other = await SessionClient.open(http, f"{talking.url}/mcp")
    async with other.call("files__logs") as events:
        assert (await events.next())["params"]["level"] == "debug"


async def test_sessions_with_an_open_stream_end_well_when_the_gateway_does(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    async with client.listen() as events:
        mark, _ = await anext(events)
        await asyncio.gather(talking.live.depart(5), _last_is(events, mark))
    assert not talking.live.wires


async def _last_is(events, mark):
    assert [identity async for identity, _ in events] == [mark]


async def test_what_a_client_says_wrongly_is_taken_and_forgotten(talking, http):
    client = await SessionClient.open(http, f"{talking.url}/mcp")
    for params in ({}, {"requestId": None}, {"requestId": "never"}):
        assert await client.say(note("cancelled", **params)) == 202
    assert (await client.request("ping"))["result"] == {}
    sent = legacy("resources/subscribe", {"uri": "mem://" + "x" * 3000}, session=client.id)
    assert (await http.post(client.url, **sent)).json()["error"]["code"] == -32002
