"""Which era a server speaks: one verdict a server, whatever it answers; an outage is none."""

import asyncio

import msgspec
import pytest
from tests.gates.mcp.messages import bearer, modern
from tests.gates.mcp.test_gate import servers

from triplegate.gates.mcp import connecting
from triplegate.gates.mcp.server import ServerState
from triplegate.samples.http import Answer, Cut

SESSION = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}


def result(identity, value, **more):
    return Answer.json({"jsonrpc": "2.0", "id": identity, "result": value}, **more)


def error(identity, code, status=400, **more):
    return Answer.json({"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": "m", **more}}, status)


async def cut():
    yield b"{"
    raise Cut


DISCOVER = {
    "modern": (lambda i: result(i, {"supportedVersions": ["2026-07-28"]}), "modern"),
    "both": (lambda i: result(i, {"supportedVersions": ["2025-11-25", "2026-07-28"]}), "modern"),
    "as events": (
        lambda i: Answer(
            b'event: message\ndata: {"jsonrpc":"2.0","id":%d,"result":{"supportedVersions":["2026-07-28"]}}\n\n' % i,
            200,
            "text/event-stream",
        ),
        "modern",
    ),
    "wants another header": (lambda i: error(i, -32020), "modern"),
    "wants a capability": (lambda i: error(None, -32021), "modern"),
    "names this version": (lambda i: error(i, -32022, data={"supported": ["2026-07-28"]}), "modern"),
    "names older versions": (lambda i: error(i, -32022, data={"supported": ["2025-11-25"]}), "legacy"),
    "answers discover with old versions": (lambda i: result(i, {"supportedVersions": ["2025-11-25"]}), "legacy"),
    "unknown method": (lambda i: error(i, -32601, 404), "legacy"),
    "bad request": (lambda i: error(i, -32600), "legacy"),
    "needs a session": (lambda i: Answer.json({"error": "session"}, 400), "legacy"),
    "404": (lambda i: Answer(b"nothing", 404, "text/plain"), "legacy"),
    "405": (lambda i: Answer(status=405), "legacy"),
    "500": (lambda i: Answer(b"oops", 500, "text/plain"), "legacy"),
    "html": (lambda i: Answer(b"<html>hello</html>", 200, "text/html"), "legacy"),
    "another id": (lambda i: result(i + 1, {"supportedVersions": ["2026-07-28"]}), "legacy"),
    "strange result": (lambda i: result(i, {"supportedVersions": 7}), "legacy"),
    "cut": (lambda i: Answer(cut(), 200, "application/json"), "legacy"),
}


def server(discover, initialize=lambda i: result(i, SESSION, headers=[("mcp-session-id", "s1")]), log=None):
    async def upstream(request):
        body = msgspec.json.decode(await request.body())
        if log is not None:
            log.append(body["method"])
        if body["method"] == "server/discover":
            return discover(body["id"]) if discover else await asyncio.sleep(30)
        if body["method"] == "initialize":
            return initialize(body["id"])
        if body["method"] == "tools/list":
            return result(body["id"], {"tools": [{"name": "t", "inputSchema": {}}]})
        return Answer(status=202)

    return upstream


async def listed(http, gate):
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=bearer(gate.key())))
    return answer.json()["result"]["tools"]


def states(gate):
    return gate.gateway.kit.states.every(ServerState)


@pytest.mark.parametrize("case", DISCOVER)
async def test_every_answer_to_the_first_question_is_a_verdict(house, serve, http, case):
    discover, era = DISCOVER[case]
    gate = await house(servers(await serve(server(discover))))
    assert [tool["name"] for tool in await listed(http, gate)] == ["files__t"]
    assert [state.era for state in states(gate)] == [era]


async def test_a_server_that_hangs_on_the_unknown_question_is_asked_the_older_way(house, serve, http, monkeypatch):
    monkeypatch.setattr(connecting, "_PROBE", 0.2)
    gate = await house(servers(await serve(server(None))))
    assert await listed(http, gate)
    assert [state.era for state in states(gate)] == ["legacy"]


@pytest.mark.parametrize(
    "initialize",
    [
        lambda i: Answer(b"<html>", 200, "text/html"),
        lambda i: error(i, -32603),
        lambda i: result(i, {**SESSION, "protocolVersion": "1999-01-01"}),
        lambda i: result(i, {}),
        lambda i: result(i, SESSION, headers=[("mcp-session-id", "a b")]),
        lambda i: Answer(status=403),
    ],
)
async def test_what_is_no_server_gets_no_verdict(house, serve, http, initialize):
    discover = DISCOVER["404"][0]
    gate = await house(servers(await serve(server(discover, initialize))))
    assert await listed(http, gate) == []
    (state,) = states(gate)
    assert state.era is None
    assert state.listings["tool"].failure
    call = {"name": "files__t", "arguments": {}}
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", call, headers=bearer(gate.key())))
    assert answer.json()["error"]["code"] == -32602


async def test_an_outage_is_no_verdict(house, sample, http):
    upstream = await sample()
    await upstream.stop()
    gate = await house(servers(upstream))
    assert await listed(http, gate) == []
    assert [state.era for state in states(gate)] == [None]


async def test_a_server_without_session_ids_is_served_without(house, serve, http):
    log = []
    upstream = server(DISCOVER["404"][0], lambda i: result(i, SESSION), log)
    gate = await house(servers(await serve(upstream)))
    assert await listed(http, gate)
    assert log == ["server/discover", "initialize", "notifications/initialized", "tools/list"]


async def test_a_server_that_has_become_another_is_asked_anew(house, serve, http, monkeypatch):
    from triplegate.gates.mcp import catalog

    monkeypatch.setattr(catalog, "_TTL_LEAST", 0.0)
    monkeypatch.setattr(catalog, "_TTL", 0.0)
    monkeypatch.setattr(catalog, "_AFTER_FAILURE", 0.0)
    kinds = [server(DISCOVER["modern"][0]), server(DISCOVER["404"][0])]
    current = [0]

    async def changing(request):
        if current[0] == 1 and request.header("mcp-method") == "tools/list":
            await request.body()
            return Answer(b"gone", 404, "text/plain")
        return await kinds[current[0]](request)

    gate = await house(servers(await serve(changing)))
    assert await listed(http, gate)
    current[0] = 1
    assert await listed(http, gate)  # stale, and the verdict is dropped
    assert await listed(http, gate)
    async with asyncio.timeout(5):  # a server that failed is asked again behind the list's back
        while [state.era for state in states(gate)] != ["legacy"]:
            await asyncio.sleep(0.01)
