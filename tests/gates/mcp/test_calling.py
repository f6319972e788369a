"""Tool calls: bytes that pass, streams that flow, sessions of ours that end and are opened again."""

import asyncio
import itertools

import msgspec
import pytest
from tests.builders import ALICE, make_exchange
from tests.gates.mcp.messages import META, bearer, initialize, legacy, modern
from tests.gates.mcp.test_gate import ECHO, servers

from triplegate.core.clock import SystemClock
from triplegate.core.identity import Principal
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.opened import owner_at
from triplegate.samples.http import Answer
from triplegate.stores.memory.store import MemoryStore

RESULT = (
    b'{"content":[{"type":"hologram","x":1.50,"y":1e2},{"type":"text","text":"\\u00e9","future":{"b":1,"a":2}}],'
    b'"structuredContent":{"z":[],"isError":true},"_meta":{"vendor/x":{"k":null}},"new":"field"}'
)


def scripted(era, result=RESULT, log=None, answer=None):
    """An upstream of one era whose tool `t` answers these very bytes."""
    count = itertools.count()

    async def upstream(request):
        if request.method == "DELETE":
            if log is not None:
                log.append(("DELETE", request.header("mcp-session-id")))
            return Answer(status=204)
        text = await request.body()
        body = msgspec.json.decode(text)
        if log is not None:
            log.append((body["method"], text, dict(request.headers)))
        method, identity = body["method"], msgspec.json.encode(body.get("id"))
        if "id" not in body:
            return Answer(status=202)
        headers = []
        if method == "initialize" and era == "legacy":
            sent = b'{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}'
            headers = [("mcp-session-id", f"up-{next(count)}")]
        elif method == "server/discover" and era == "modern":
            sent = b'{"supportedVersions":["2026-07-28"],"capabilities":{},"resultType":"complete"}'
        elif method == "tools/list":
            sent = b'{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}'
        elif method == "tools/call":
            if answer is not None:
                return await answer(request, body)
            sent = result
        else:
            return Answer.json({"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32601, "message": "no"}}, 404)
        return Answer(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (identity, sent), 200, "application/json", headers)

    return upstream


CALL = {"name": "files__t", "arguments": {"a": 1}}


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_within_one_era_the_result_passes_byte_for_byte(house, serve, http, era):
    gate = await house(servers(await serve(scripted(era))))
    http.headers.update(bearer(gate.key()))
    if era == "modern":
        answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))
    else:
        session = await initialize(http, f"{gate.url}/mcp")
        answer = await http.post(f"{gate.url}/mcp", **legacy("tools/call", CALL, session=session))
    assert answer.content == b'{"jsonrpc":"2.0","id":7,"result":' + RESULT + b"}"
    assert answer.headers["content-length"] == str(len(answer.content))
    # isError of structured content is the tool's own business
    assert gate.calls[-1].attempts[0].error_class == ""


async def test_between_eras_only_the_eras_own_members_change(house, serve, http):
    gate = await house(servers(await serve(scripted("legacy"))))
    http.headers.update(bearer(gate.key()))
    content = (await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))).content
    assert b'"resultType":"complete"' in content
    for piece in (
        b'{"type":"hologram","x":1.50,"y":1e2}',
        b'"\\u00e9","future":{"b":1,"a":2}',
        b'"vendor/x":{"k":null}',
    ):
        assert piece in content
    modern_one = RESULT[:-1] + b',"resultType":"complete","ttlMs":5}'
    gate = await house(servers(await serve(scripted("modern", modern_one))))
    http.headers.update(bearer(gate.key()))
    session = await initialize(http, f"{gate.url}/mcp")
    answer = await http.post(f"{gate.url}/mcp", **legacy("tools/call", CALL, session=session))
    assert answer.content == b'{"jsonrpc":"2.0","id":7,"result":' + RESULT + b"}"


@pytest.mark.parametrize("client", ["modern", "legacy"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_arguments_bytes_reach_the_server_as_they_came(house, serve, http, era, client):
    log = []
    gate = await house(servers(await serve(scripted(era, log=log))))
    http.headers.update(bearer(gate.key()))
    arguments = b'{ "x" : 1.50, "y":"\\u00e9", "big":123456789012345678901234567890, "name":"files__t"}'
    meta = msgspec.json.encode({**META, "progressToken": "tok", "vendor/a": 1})
    if client == "legacy":
        session = await initialize(http, f"{gate.url}/mcp")
        request = legacy("tools/call", CALL, session=session)
        meta = b'{"progressToken":"tok","vendor/a":1}'
    else:
        request = modern("tools/call", CALL)
    body = (
        b'{"jsonrpc":"2.0","params":{"_meta":%b,"arguments":%b,"name":"files__t"},"id":"mine","method":"tools/call"}'
        % (meta, arguments)
    )
    headers = {**request["headers"], "content-type": "application/json", "mcp-param-region": "eu"}
    answer = await http.post(f"{gate.url}/mcp", content=body, headers=headers)
    assert answer.json()["id"] == "mine"
    method, text, sent = log[-1]
    assert method == "tools/call"
    assert b'"arguments":' + arguments in text
    seen = msgspec.json.decode(text)
    assert seen["params"]["name"] == "t"
    shared = era == "legacy" and client == "modern"  # its session is the principal's: tokens are the gateway's own
    assert seen["params"]["_meta"]["progressToken"] == (seen["id"] if shared else "tok")
    assert seen["params"]["_meta"]["vendor/a"] == 1
    if era == "modern":
        assert seen["id"] == "mine"
        assert seen["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
        assert (sent["mcp-method"], sent["mcp-name"]) == ("tools/call", "t")
        assert sent.get("mcp-param-region") == ("eu" if client == "modern" else None)
        client_info = seen["params"]["_meta"].get("io.modelcontextprotocol/clientInfo")
        assert (client_info is not None) is (client == "legacy")
    else:
        assert isinstance(seen["id"], int)
        assert set(seen["params"]["_meta"]) == {"progressToken", "vendor/a"}
        assert not [
            name for name in sent if name.startswith("mcp-") and name not in ("mcp-session-id", "mcp-protocol-version")
        ]
        assert (sent["mcp-session-id"], sent["mcp-protocol-version"]) == (
            "up-1",
            "2025-06-18",
        )


@pytest.mark.parametrize("client", ["modern", "legacy"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_progress_comes_while_the_tool_still_works(house, sample, http, era, client):
    upstream = await sample(era)
    gate = await house(servers(upstream))
    http.headers.update(bearer(gate.key()))
    params = {"name": "files__slow", "arguments": {"seconds": 0, "latch": "l"}, "_meta": {"progressToken": "p"}}
    if client == "modern":
        params["_meta"] |= META
        request = modern("tools/call", params, identity="mine")
    else:
        session = await initialize(http, f"{gate.url}/mcp")
        request = legacy("tools/call", params, session=session, identity="mine")
    got = []
    async with asyncio.timeout(10), http.stream("POST", f"{gate.url}/mcp", **request) as stream:
        assert stream.headers["x-accel-buffering"] == "no"
        async for line in stream.aiter_lines():
            if not line.startswith("data:"):
                continue
            message = msgspec.json.decode(line[5:])
            got.append(message)
            if "method" in message:  # the next step leaves only after this one was seen here
                await http.post(f"{upstream.url}/control/latch/l?release=1")
    assert [message["params"]["progress"] for message in got[:-1]] == [1, 2, 3, 4, 5]
    assert got[-1]["id"] == "mine"
    assert got[-1]["result"]["content"][0]["text"] == "worked for 0 s"
    assert ("resultType" in got[-1]["result"]) is (client == "modern")
    assert gate.calls[-1].streamed
    assert gate.calls[-1].outcome == "ok"


@pytest.mark.parametrize("client", ["modern", "legacy"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_large_result_streams_through_with_the_clients_id(house, sample, http, era, client):
    gate = await house(servers(await sample(era)))
    http.headers.update(bearer(gate.key()))
    params = {"name": "files__big", "arguments": {"bytes": 8_000_000}}
    if client == "modern":
        request = modern("tools/call", params, identity="mine")
    else:
        session = await initialize(http, f"{gate.url}/mcp")
        request = legacy("tools/call", params, session=session, identity="mine")
    body = (await http.post(f"{gate.url}/mcp", **request)).json()
    assert body["id"] == "mine"
    assert body["result"]["content"][0]["text"] == "x" * 8_000_000
    if client == "modern":
        assert body["result"]["resultType"] == "complete"


async def test_an_ended_upstream_session_is_opened_again_once_and_the_call_repeated(house, sample, http):
    upstream = await sample("legacy")
    gate = await house(servers(upstream))
    http.headers.update(bearer(gate.key()))
    await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO))
    seen = (await http.get(f"{upstream.url}/control/requests")).json()
    session = next(
        value for request in reversed(seen) for name, value in request["headers"] if name == "mcp-session-id"
    )
    await http.delete(f"{upstream.url}/mcp", headers={"mcp-session-id": session})
    answers = await asyncio.gather(*[http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO)) for _ in range(10)])
    assert all("result" in answer.json() for answer in answers)
    again = (await http.get(f"{upstream.url}/control/requests")).json()[len(seen) + 1 :]
    without = [request for request in again if not any(name == "mcp-session-id" for name, _ in request["headers"])]
    assert len(without) == 1  # one initialize for all ten


async def test_sessions_at_servers_are_never_shared_between_principals_or_client_sessions(house, serve, http):
    log = []
    gate = await house(servers(await serve(scripted("legacy", log=log))))
    url = f"{gate.url}/mcp"
    for key in (gate.key(consumer="a"), gate.key(consumer="b")):
        http.headers.update(bearer(key))
        for _ in range(2):
            await http.post(url, **modern("tools/call", CALL))
        for _ in range(2):
            session = await initialize(http, url)
            await http.post(url, **legacy("tools/call", CALL, session=session))
    used = [entry[2]["mcp-session-id"] for entry in log if entry[0] == "tools/call"]
    assert used[0] == used[1]
    assert used[4] == used[5]
    assert len(set(used)) == 6


async def test_delete_ends_the_session_here_and_at_the_server(house, serve, http):
    log = []
    gate = await house(servers(await serve(scripted("legacy", log=log))))
    http.headers.update(bearer(gate.key()))
    url = f"{gate.url}/mcp"
    session = await initialize(http, url)
    await http.post(url, **legacy("tools/call", CALL, session=session))
    used = log[-1][2]["mcp-session-id"]
    assert (await http.delete(url, headers={"mcp-session-id": session})).status_code == 204
    assert (await http.post(url, **legacy("tools/call", CALL, session=session))).status_code == 404
    async with asyncio.timeout(5):
        while ("DELETE", used) not in log:
            await asyncio.sleep(0.01)


async def test_a_client_that_leaves_a_legacy_server_is_reported_to_it(house, serve, http):
    log, begun = [], asyncio.Event()

    async def hang(request, body):
        begun.set()
        await asyncio.sleep(30)

    gate = await house(servers(await serve(scripted("legacy", log=log, answer=hang))))
    http.headers.update(bearer(gate.key()))
    task = asyncio.get_running_loop().create_task(http.post(f"{gate.url}/mcp", **modern("tools/call", CALL)))
    await asyncio.wait_for(begun.wait(), 5)
    number = msgspec.json.decode(log[-1][1])["id"]
    task.cancel()
    async with asyncio.timeout(5):
        while log[-1][0] != "notifications/cancelled":
            await asyncio.sleep(0.01)
    assert msgspec.json.decode(log[-1][1])["params"]["requestId"] == number


@pytest.mark.parametrize(
    ("status", "kind", "content", "given", "code"),
    [
        (500, "text/html", b"<html>", 502, -32003),
        (200, "text/html", b"<html>", 502, -32003),
        (302, "text/plain", b"", 502, -32003),
        (401, "application/json", b"{}", 502, -32003),
        (429, "application/json", b"{}", 429, -32002),
        (200, "application/json", b"not json", 200, None),
        (400, "application/json", b"{}", 502, -32003),
    ],
)
async def test_what_is_no_answer_becomes_an_error_with_the_clients_id(
    house, serve, http, status, kind, content, given, code
):
    async def strange(request, body):
        return Answer(content, status, kind, [("location", "http://127.0.0.1:1/")] if status == 302 else [])

    gate = await house(servers(await serve(scripted("legacy", answer=strange))))
    http.headers.update(bearer(gate.key()))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))
    if code is None:
        given, code = 502, -32003
    assert (answer.status_code, answer.json()["error"]["code"]) == (given, code)
    assert answer.json()["id"] == 7


@pytest.mark.parametrize(("code", "status"), [(-32602, 400), (-32601, 404), (-32603, 200), (-32000, 200)])
async def test_errors_of_a_legacy_server_get_the_status_a_modern_client_expects(house, serve, http, code, status):
    async def fail(request, body):
        return Answer.json({"jsonrpc": "2.0", "id": body["id"], "error": {"code": code, "message": "m", "data": [1]}})

    gate = await house(servers(await serve(scripted("legacy", answer=fail))))
    http.headers.update(bearer(gate.key()))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))
    assert answer.status_code == status
    assert answer.json() == {"jsonrpc": "2.0", "id": 7, "error": {"code": code, "message": "m", "data": [1]}}
    assert gate.calls[-1].attempts[0].error_class == "rpc_error"


async def test_a_stream_that_breaks_off_ends_with_an_error_of_the_call(house, serve, http):
    seen = asyncio.Event()

    async def pieces():
        yield b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}\n\n'
        await seen.wait()

    async def broken(request, body):
        return Answer(pieces(), 200, "text/event-stream")

    for era in ("modern", "legacy"):
        gate = await house(servers(await serve(scripted(era, answer=broken))))
        http.headers.update(bearer(gate.key()))
        seen.clear()
        events = []
        async with http.stream("POST", f"{gate.url}/mcp", **modern("tools/call", CALL, identity="mine")) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    events.append(msgspec.json.decode(line[5:]))
                    seen.set()
        assert [event.get("method") for event in events] == ["notifications/progress", None]
        assert events[-1]["id"] == "mine"
        assert events[-1]["error"]["code"] == -32003
        assert gate.calls[-1].outcome == "failed"
        # what broke before anything went out still gets a true status
        answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL, identity="mine"))
        assert (answer.status_code, answer.json()["id"]) == (502, "mine")


async def test_a_legacy_stream_promises_no_resume_and_hides_what_was_not_asked_for(house, serve, http):
    async def pieces(identity):
        yield b"id: 1\nretry: 100\ndata:\n\n"
        yield b": still here\n\n"
        yield b'id: 2\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x"}}\n\n'
        yield b'data: {"jsonrpc":"2.0","id":"theirs","method":"sampling/createMessage","params":{}}\n\n'
        yield b'id: 3\nevent: message\ndata: {"jsonrpc":"2.0","id":%d,"result":{"content":[]}}\n\n' % identity

    async def stream(request, body):
        return Answer(pieces(body["id"]), 200, "text/event-stream")

    gate = await house(servers(await serve(scripted("legacy", answer=stream))))
    http.headers.update(bearer(gate.key()))
    quiet = (await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))).text
    assert "id: " not in quiet.replace('"id": ', "")
    assert "retry" not in quiet
    assert "notifications/message" not in quiet
    assert "sampling" not in quiet
    assert ": still here" in quiet
    loud = {**CALL, "_meta": {**META, "io.modelcontextprotocol/logLevel": "info"}}
    assert "notifications/message" in (await http.post(f"{gate.url}/mcp", **modern("tools/call", loud))).text


async def test_a_question_to_a_client_that_cannot_be_asked_fails_the_call(house, serve, http):
    asks = b'{"resultType":"input_required","inputRequests":{}}'
    gate = await house(servers(await serve(scripted("modern", asks))))
    http.headers.update(bearer(gate.key()))
    passed = await http.post(f"{gate.url}/mcp", **modern("tools/call", CALL))
    assert passed.content == b'{"jsonrpc":"2.0","id":7,"result":' + asks + b"}"
    session = await initialize(http, f"{gate.url}/mcp")
    refused = await http.post(f"{gate.url}/mcp", **legacy("tools/call", CALL, session=session))
    assert refused.json()["error"]["code"] == -32003


async def test_two_nodes_use_one_session_at_the_server_for_one_session_of_the_client(house, serve, http):
    log = []
    upstream = await serve(scripted("legacy", log=log))
    sessions = MemoryStore(SystemClock()).sessions
    nodes = [await house(servers(upstream), sessions=sessions) for _ in range(2)]
    key = nodes[0].key()
    nodes[1].keys.by_id.update(nodes[0].keys.by_id)
    http.headers.update(bearer(key))
    session = await initialize(http, f"{nodes[0].url}/mcp")
    for node in (nodes[0], nodes[1], nodes[0], nodes[1]):
        answer = await http.post(f"{node.url}/mcp", **legacy("tools/call", CALL, session=session))
        assert answer.json()["id"] == 7
    calls = [
        (entry[2]["mcp-session-id"], msgspec.json.decode(entry[1])["id"]) for entry in log if entry[0] == "tools/call"
    ]
    assert len({used for used, _ in calls}) == 1
    assert len({number for _, number in calls}) == 4


def test_anonymous_callers_share_no_session_at_a_server_unless_they_share_an_address():
    anonymous = Principal("", "web", "anonymous", method="none", team_ref="/web")
    owners = [
        owner_at(make_exchange(principal=principal, client=address), McpCall())
        for principal in (anonymous, ALICE)
        for address in ("192.0.2.1", "192.0.2.2")
    ]
    assert len(set(owners)) == 3
    assert owners[2] == owners[3]
