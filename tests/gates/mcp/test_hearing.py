"""One server's stream: opened while anybody listens, again when it breaks, never where there is none."""

import msgspec
import pytest
from tests.gates.mcp.messages import bearer
from tests.gates.mcp.session_client import SessionClient
from tests.gates.mcp.talker import Talker, note
from tests.gates.mcp.test_gate import servers
from tests.gates.mcp.test_streaming import eventually

from triplegate.gates.mcp.hearing import note as heard
from triplegate.wire.jsonrpc import read


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_stream_that_breaks_is_opened_again_and_nothing_is_missed(house, serve, http, era):
    talker = Talker(era)
    upstream = await serve(talker)
    gate = await house(servers(upstream))
    http.headers.update(bearer(gate.key()))
    client = await SessionClient.open(http, f"{gate.url}/mcp")
    async with client.listen() as events:
        await eventually(lambda: talker.listening)
        await upstream.stop()
        await upstream.start()
        told = {(await events.next())["method"] for _ in range(2)}
        assert "notifications/tools/list_changed" in told
        await eventually(lambda: talker.listening)
    await eventually(lambda: not talker.listening)


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_resources_are_watched_for_as_long_as_somebody_wants_to_know(house, serve, http, era):
    talker = Talker(era)
    gate = await house(servers(await serve(talker)))
    http.headers.update(bearer(gate.key()))
    clients = [await SessionClient.open(http, f"{gate.url}/mcp") for _ in range(2)]
    async with clients[0].listen(), clients[1].listen():
        await eventually(lambda: talker.listening)
        for client in clients:
            await client.request("resources/subscribe", {"uri": "mem://a"})
        if era == "legacy":
            await eventually(lambda: talker.methods("resources/subscribe"))
        else:
            await eventually(lambda: "mem://a" in str(talker.methods("subscriptions/listen")[-1]))
        await clients[0].request("resources/unsubscribe", {"uri": "mem://a"})
        await clients[1].request("resources/unsubscribe", {"uri": "mem://a"})
        if era == "legacy":
            await eventually(lambda: talker.methods("resources/unsubscribe"))
            assert len(talker.methods("resources/subscribe")) == 1
        else:
            await eventually(lambda: "mem://a" not in str(talker.methods("subscriptions/listen")[-1]))


def test_what_is_no_news_is_passed_over():
    told = []

    def tell(*what):
        told.append(what[1:])

    for message, is_news in (
        (note("tools/list_changed"), True),
        (note("resources/updated", uri="mem://a"), True),
        (note("resources/updated", uri=7), True),
        (note("message", level="info"), False),
    ):
        assert heard(None, read(msgspec.json.encode(message)), tell) is is_news
    assert told == [("tools", ""), (None, "mem://a")]
