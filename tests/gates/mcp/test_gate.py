"""The mcp gate over real sockets: both eras on both sides, access, refusals."""

import asyncio
import hashlib
import json

import pytest
from mcp.shared.exceptions import MCPError
from tests.gates.mcp.messages import META, bearer, initialize, legacy, modern, official, raw

ECHO = {"name": "files__echo", "arguments": {"text": "grüße"}}
OPEN = "mcp: {identity: none, owner: web, policies: []}\n"


def servers(*samples, **more):
    lines = ["servers:"]
    for index, sample in enumerate(samples):
        extra = more.get(f"s{index}", "")
        lines.append(
            f"  s{index}: {{url: {sample.url}/mcp, alias: {'files' if index == 0 else f'more{index}'}{extra}}}"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("era", ["modern", "legacy", "both"])
async def test_a_modern_client_lists_and_calls_whatever_the_server_speaks(house, sample, http, era):
    gate = await house(servers(await sample(era)))
    headers = bearer(gate.key())
    request = modern("tools/list", headers=headers)
    listed = (await http.post(f"{gate.url}/mcp", **request)).json()
    names = [tool["name"] for tool in listed["result"]["tools"]]
    assert names == sorted(names)
    assert "files__echo" in names
    assert listed["result"]["resultType"] == "complete"
    assert listed["result"]["cacheScope"] == "private"
    assert listed["result"]["ttlMs"] > 0
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers, identity="x"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["id"] == "x"
    assert body["result"]["content"] == [{"type": "text", "text": "grüße"}]
    assert body["result"]["resultType"] == "complete"
    assert "io.modelcontextprotocol/serverInfo" in body["result"]["_meta"]
    wrong = await http.post(f"{gate.url}/mcp", **modern("tools/call", {"name": "files__echo"}, headers=headers))
    assert wrong.json()["result"]["isError"] is True


@pytest.mark.parametrize("era", ["modern", "legacy", "both"])
async def test_a_legacy_client_lists_and_calls_whatever_the_server_speaks(house, sample, http, era):
    gate = await house(servers(await sample(era)))
    http.headers.update(bearer(gate.key()))
    url = f"{gate.url}/mcp"
    session = await initialize(http, url)
    note = {"json": {"jsonrpc": "2.0", "method": "notifications/initialized"}, "headers": {"mcp-session-id": session}}
    assert (await http.post(url, **note)).status_code == 202
    assert (await http.post(url, **legacy("ping", session=session))).json() == {"jsonrpc": "2.0", "id": 7, "result": {}}
    listed = (await http.post(url, **legacy("tools/list", session=session))).json()["result"]
    assert "files__echo" in [tool["name"] for tool in listed["tools"]]
    assert "resultType" not in listed
    body = (await http.post(url, **legacy("tools/call", ECHO, session=session, identity=99))).json()
    assert body["id"] == 99
    assert body["result"]["content"] == [{"type": "text", "text": "grüße"}]
    assert "resultType" not in body["result"]
    unknown = await http.post(url, **legacy("vendor/x", session=session))
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (200, -32601)


async def test_what_is_refused_before_the_body_is_read_is_json_rpc_too(house, sample, http):
    gate = await house(servers(await sample()))
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/list"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["id"] is None
    assert answer.json()["error"]["code"] == -32001
    assert answer.json()["error"]["data"]["refusal"] == "unauthenticated"
    # identity is found by the head: a body that never comes keeps nobody waiting
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n"
    assert (await raw(gate.url, head, b"\r\n")).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405), ("OPTIONS", 405), ("DELETE", 400)])
async def test_other_methods_are_refused(house, sample, http, method, status):
    gate = await house(servers(await sample()))
    answer = await http.request(method, f"{gate.url}/mcp", headers=bearer(gate.key()))
    assert answer.status_code == status
    assert answer.json()["jsonrpc"] == "2.0"
    if status == 405:
        assert answer.headers["allow"] == "POST, GET, DELETE"


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:80", None, 200),
        ("127.0.0.1", "http://localhost:6274", 200),
        ("[::1]:9", "http://127.0.0.1", 200),
        ("192.0.2.7:8080", None, 200),
        ("evil.test", None, 403),
        ("localhost.evil.test", None, 403),
        ("localhost", "http://evil.test", 403),
        ("localhost", "null", 403),
        ("localhost", "http://localhost.evil.test", 403),
    ],
)
async def test_foreign_hosts_and_origins_are_refused(house, sample, http, host, origin, status):
    gate = await house(servers(await sample()))
    headers = {**bearer(gate.key()), "host": host, **({"origin": origin} if origin else {})}
    answer = await http.post(f"{gate.url}/mcp", **modern("server/discover", headers=headers))
    assert answer.status_code == status
    assert ("result" in answer.json()) is (status == 200)


async def test_a_denied_tool_cannot_be_told_from_an_unknown_one(house, sample, http):
    rules = ", tools: {allow: ['*'], deny: [secret_admin_tool]}"
    gate = await house(servers(await sample(), s0=rules) + "virtual_servers: {dev: {tools: ['files__e*']}}\n")
    http.headers.update(bearer(gate.key()))
    for path, denied in (
        ("", "files__secret_admin_tool"),
        ("/dev", "files__add"),
        ("/dev", "files__secret_admin_tool"),
    ):
        url = f"{gate.url}/mcp{path}"
        listed = (await http.post(url, **modern("tools/list"))).json()["result"]["tools"]
        assert denied not in [tool["name"] for tool in listed]
        bare = denied.removeprefix("files__")
        for name in (denied, bare, f"s0__{bare}", f"files/{bare}"):
            answers = []
            for asked in (name, "files__no_such"):
                answer = await http.post(url, **modern("tools/call", {"name": asked, "arguments": {}}))
                answers.append((answer.status_code, answer.text.replace(asked, "X")))
            assert answers[0] == answers[1]
            assert answers[0][0] == 200
            assert '"code":-32602' in answers[0][1]
    assert not any(record.attempts for record in gate.calls)


async def test_teams_see_their_servers_and_paths_only(house, sample, http):
    documents = servers(await sample(), await sample(), s1=", teams: [lab]") + (
        "virtual_servers: {dev: {tools: ['*'], teams: [lab]}}\n"
    )
    gate = await house(documents)
    web, lab = bearer(gate.key("web")), bearer(gate.key("lab"))
    seen = {}
    for name, headers in (("web", web), ("lab", lab)):
        listed = (await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=headers))).json()
        seen[name] = {tool["name"].partition("__")[0] for tool in listed["result"]["tools"]}
        call = await http.post(
            f"{gate.url}/mcp",
            **modern("tools/call", {"name": "more1__echo", "arguments": {"text": "a"}}, headers=headers),
        )
        assert ("result" in call.json()) is (name == "lab")
    assert seen == {"web": {"files"}, "lab": {"files", "more1"}}
    unknown = await http.post(f"{gate.url}/mcp/nothing", **modern("tools/list", headers=web))
    foreign = await http.post(f"{gate.url}/mcp/dev", **modern("tools/list", headers=web))
    assert (unknown.status_code, unknown.json()) == (foreign.status_code, foreign.json())
    assert unknown.status_code == 404
    assert (await http.post(f"{gate.url}/mcp/dev", **modern("tools/list", headers=lab))).status_code == 200
    assert (await http.post(f"{gate.url}/mcp/dev", **modern("tools/list"))).status_code == 401


async def test_a_rate_limit_is_told_in_json_rpc_with_the_wait(house, sample, http):
    gate = await house(
        servers(await sample()) + "mcp: {policies: [{use: key_auth}, {use: rate_limit, requests: 2, window: 1m}]}\n"
    )
    headers = bearer(gate.key())
    answers = [await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[2]
    assert int(refused.headers["retry-after"]) > 0
    assert "ratelimit" in refused.headers
    assert refused.json()["id"] == 7
    assert refused.json()["error"]["code"] == -32002


async def test_a_tool_limit_counts_calls_of_tools_and_nothing_else(house, sample, http):
    limit = "{use: tool_limit, calls: 1, window: 1h, tools: ['files__e*']}"
    gate = await house(servers(await sample()) + f"mcp: {{policies: [{{use: key_auth}}, {limit}]}}\n")
    headers, url = bearer(gate.key()), f"{gate.url}/mcp"
    for _ in range(2):
        assert (await http.post(url, **modern("tools/list", headers=headers))).status_code == 200
    first, second = [await http.post(url, **modern("tools/call", ECHO, headers=headers)) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 429)
    assert first.headers["ratelimit-policy"] == '"tool_limit";q=1;qu="tool-calls";w=3600'
    other = {"name": "files__add", "arguments": {"a": 1, "b": 2}}
    assert (await http.post(url, **modern("tools/call", other, headers=headers))).status_code != 429


async def test_a_hundred_clients_may_all_say_id_one(house, sample, http):
    for era in ("legacy", "modern"):
        gate = await house(servers(await sample(era)))
        headers = bearer(gate.key())

        async def call(number, gate=gate, headers=headers):
            params = {"name": "files__echo", "arguments": {"text": f"t{number}"}}
            answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", params, identity=1, headers=headers))
            return answer.json()

        answers = await asyncio.gather(*[call(number) for number in range(100)])
        assert all(answer["id"] == 1 for answer in answers)
        assert [answer["result"]["content"][0]["text"] for answer in answers] == [f"t{n}" for n in range(100)]


async def test_each_call_is_billed_and_everything_else_costs_nothing(house, sample, http):
    gate = await house(servers(await sample(), s0=", price: 0.002"))
    headers = bearer(gate.key())
    await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=headers))
    await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers))
    await http.post(
        f"{gate.url}/mcp", **modern("tools/call", {"name": "files__fail", "arguments": {}}, headers=headers)
    )
    await http.post(f"{gate.url}/mcp", **modern("tools/call", {"name": "files__none"}, headers=headers))
    listed, called, failed, unknown = gate.calls
    assert (listed.cost, listed.outcome, listed.route, listed.attempts) == (0, "ok", "mcp", ())
    assert (called.cost, called.outcome, called.route, called.target) == (20_000_000, "ok", "s0", "files__echo")
    assert (called.billed, called.attempts[0].error_class, called.attempts[0].adopted) == (True, "", True)
    assert (failed.cost, failed.outcome, failed.attempts[0].error_class) == (20_000_000, "ok", "tool_error")
    assert (unknown.cost, unknown.outcome, unknown.refusal) == (0, "refused", "tool_not_found")
    intents = [record for record in gate.spool.records if record.kind == "intent"]
    assert [record.exchange for record in intents] == [called.exchange, failed.exchange]
    assert all(record.own_cost == 20_000_000 for record in intents)


async def test_what_a_tool_costs_itself_is_what_is_set_aside_before_it_is_called(house, sample, http):
    limit = "tool_limit, money: 3, window: 1h, by: team"
    extra = f", price: {{call: 0, tools: {{echo: 2}}}}, policies: [{{use: {limit}}}]"
    gate = await house(servers(await sample(), s0=extra))
    http.headers.update(bearer(gate.key()))
    first, second = [(await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO))).status_code for _ in range(2)]
    assert (first, second) == (200, 429)
    other = {"name": "files__add", "arguments": {"a": 1, "b": 2}}
    assert (await http.post(f"{gate.url}/mcp", **modern("tools/call", other))).status_code == 200
    assert [record.cost for record in gate.calls] == [20_000_000_000, 0, 0]


async def test_a_tool_may_have_a_price_of_its_own_and_bytes_are_charged(house, sample, http):
    gate = await house(servers(await sample(), s0=', price: {call: 0.002, mb: 1000, tools: {"ec*": 1}}'))
    headers = bearer(gate.key())
    await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers))
    await http.post(
        f"{gate.url}/mcp", **modern("tools/call", {"name": "files__fail", "arguments": {}}, headers=headers)
    )
    called, failed = gate.calls
    for record, price in ((called, 10_000_000_000), (failed, 20_000_000)):
        assert record.cost == record.own_cost == price + (record.bytes_in + record.bytes_out) * 10_000_000
    assert called.price_version.startswith("mcp/s0/ec*@own#")
    assert failed.price_version.startswith("mcp/s0@own#")


async def test_a_call_that_reaches_nobody_costs_nothing(house, sample, http):
    upstream = await sample()
    gate = await house(servers(upstream, s0=", price: 0.002"))
    headers = bearer(gate.key())
    await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers))
    await upstream.stop()
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers))
    assert answer.status_code == 502
    assert answer.json()["id"] == 7
    assert gate.calls[-1].cost == 0
    assert gate.calls[-1].outcome == "failed"


async def test_anonymous_calls_are_booked_on_the_owner(house, sample, http):
    gate = await house(servers(await sample()) + OPEN)
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO))
    assert answer.status_code == 200
    assert (gate.calls[0].consumer, gate.calls[0].team) == ("anonymous", "web")


async def test_policies_of_a_virtual_server_hold_on_its_path_only(house, sample, http):
    documents = servers(await sample()) + (
        "virtual_servers: {dev: {tools: ['*'], policies: [{use: rate_limit, requests: 1, window: 1m}]}}\n"
    )
    gate = await house(documents)
    http.headers.update(bearer(gate.key()))
    statuses = [
        (await http.post(f"{gate.url}/mcp{path}", **modern("tools/call", ECHO))).status_code
        for path in ("", "/dev", "/dev", "", "")
    ]
    assert statuses == [200, 200, 429, 200, 200]


async def test_a_limit_of_the_server_is_taken_before_each_attempt(house, sample, http):
    gate = await house(servers(await sample(), s0=", policies: [{use: rate_limit, requests: 1, window: 1m}]"))
    http.headers.update(bearer(gate.key()))
    first, second = [await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO)) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 429)
    assert gate.calls[-1].cost == 0


async def test_the_client_that_leaves_ends_the_upstream_call(house, sample, http):
    for era in ("modern", "legacy"):
        upstream = await sample(era)
        gate = await house(servers(upstream))
        headers = bearer(gate.key())
        params = {
            "name": "files__slow",
            "arguments": {"seconds": 0, "latch": era},
            "_meta": {**META, "progressToken": "p"},
        }
        request = modern("tools/call", params, headers=headers)
        async with http.stream("POST", f"{gate.url}/mcp", **request) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    assert "notifications/progress" in line
                    break
        state = (await http.get(f"{upstream.url}/control/latch/{era}?wait=5")).json()
        assert state["outcome"] == "gone"
        async with asyncio.timeout(5):
            while not gate.calls:
                await asyncio.sleep(0.01)
        assert gate.calls[-1].outcome == "gone"


async def test_discover_tells_what_is_served(house, sample, http):
    gate = await house(servers(await sample()))
    answer = await http.post(f"{gate.url}/mcp", **modern("server/discover", headers=bearer(gate.key())))
    result = answer.json()["result"]
    assert result["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"]
    assert result["capabilities"] == {"tools": {"listChanged": True}}
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "triplegate"


async def test_the_client_token_never_reaches_a_server_but_its_own_credential_does(house, sample, http):
    upstream = await sample("both")
    rules = ", auth: {bearer: env:TOKEN}, headers: {x-team: blue}"
    gate = await house(servers(upstream, s0=rules), secrets={"env:TOKEN": "up-secret"})
    key = gate.key()
    headers = {**bearer(key), "cookie": "a=b", "x-api-key": key}
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO, headers=headers))
    assert answer.status_code == 200
    seen = (await http.get(f"{upstream.url}/control/requests")).json()
    for request in seen:
        sent = dict(request["headers"])
        assert sent["authorization"] == "Bearer up-secret"
        assert sent["x-team"] == "blue"
        assert sent["accept-encoding"] == "identity"
        assert key not in str(request)
        assert "cookie" not in sent
    call = dict(seen[-1]["headers"])
    assert (call["mcp-method"], call["mcp-name"]) == ("tools/call", "echo")


async def test_a_missing_secret_stops_that_server_only(house, sample, http):
    gate = await house(servers(await sample(), await sample(), s0=", auth: {bearer: env:MISSING}"))
    http.headers.update(bearer(gate.key()))
    listed = (await http.post(f"{gate.url}/mcp", **modern("tools/list"))).json()["result"]
    assert {tool["name"].partition("__")[0] for tool in listed["tools"]} == {"more1"}
    assert listed["_meta"]["triplegate.dev/unavailable"] == ["s0"]


async def test_a_reload_keeps_era_tools_and_sessions(house, sample, http):
    upstream = await sample("legacy")
    documents = servers(upstream)
    gate = await house(documents)
    http.headers.update(bearer(gate.key()))
    await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO))
    before = len((await http.get(f"{upstream.url}/control/requests")).json())
    from tests.gates.mcp.conftest import TEAMS

    gate.reload(TEAMS + documents + "plans: {free: {}}\n")
    answer = await http.post(f"{gate.url}/mcp", **modern("tools/call", ECHO))
    assert "result" in answer.json()
    assert len((await http.get(f"{upstream.url}/control/requests")).json()) == before + 1


async def test_a_body_over_four_mebibytes_is_refused_by_its_announced_length(house, sample):
    gate = await house(servers(await sample()))
    head = f"POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {gate.key()}\r\ncontent-length: 4194305\r\n"
    answer = await raw(gate.url, f"{head}\r\n{{".encode(), b"}")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":-32600' in answer


async def test_unknown_media_types_are_refused(house, sample, http):
    gate = await house(servers(await sample()))
    request = modern("tools/list", headers={**bearer(gate.key()), "content-type": "text/plain"})
    assert (await http.post(f"{gate.url}/mcp", **request)).status_code == 415


@pytest.mark.parametrize("mode", ["auto", "2026-07-28", "legacy"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_official_client_works_in_every_mode_with_every_server(house, sample, era, mode):
    gate = await house(servers(await sample(era)))
    async with official(f"{gate.url}/mcp", gate.key(), mode) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        listed = await client.list_tools()
        assert {"files__echo", "files__slow"} <= {tool.name for tool in listed.tools}
        echoed = await client.call_tool("files__echo", {"text": "grüße"})
        assert (echoed.is_error, echoed.content[0].text) == (False, "grüße")
        assert (await client.call_tool("files__add", {"a": 2, "b": 0.5})).structured_content == {"sum": 2.5}
        assert (await client.call_tool("files__fail", {})).is_error
        big = await client.call_tool("files__big", {"bytes": 2_000_000})
        assert len(big.content[0].text) == 2_000_000
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("files__nothing", {})
        steps = []

        async def progress(done, total, message):
            steps.append(done)

        await client.call_tool("files__slow", {"seconds": 0.05}, progress_callback=progress)
        assert steps == [1, 2, 3, 4, 5]


async def test_a_strange_name_below_the_path_never_widens_to_everything(house, sample, http):
    gate = await house(servers(await sample()) + "virtual_servers: {dev: {tools: ['files__echo']}}\n")
    http.headers.update(bearer(gate.key()))
    for strange in (
        "DEV",
        "de",
        "devv",
        "dev/",
        "dev/x",
        "%64ev/",
        "-",
        "*",
        "mcp",
        "%00",
        "dev%2f",
        "..%2f",
        "?",
        "dev%20",
    ):
        answer = await http.post(f"{gate.url}/mcp/{strange}", **modern("tools/list"))
        if answer.status_code == 200:
            assert [tool["name"] for tool in answer.json()["result"]["tools"]] == ["files__echo"]
        else:
            assert answer.status_code in (400, 404)


async def test_a_record_names_tool_and_caller_and_the_digest_of_the_arguments_only(house, sample, http):
    gate = await house(servers(await sample("both")))
    arguments = '{"text": "a secret"}'
    sent = modern("tools/call", ECHO, headers=bearer(gate.key()))
    body = json.dumps(sent.pop("json")).replace(json.dumps(ECHO["arguments"]), arguments)
    headers = sent["headers"] | {"content-type": "application/json"}
    assert (await http.post(f"{gate.url}/mcp", content=body, headers=headers)).status_code == 200
    [record] = [one for one in gate.calls if one.method == "tools/call"]
    assert record.arguments == hashlib.sha256(arguments.encode()).hexdigest()
    assert (record.target, record.org, record.team, record.consumer) == ("files__echo", "acme", "web", "ci")
    assert (record.bytes_in > 0, record.bytes_out > 0, record.duration_us > 0) == (True, True, True)
    assert "secret" not in str(record)
    await http.post(f"{gate.url}/mcp", **modern("tools/list", headers=bearer(gate.key())))
    assert gate.calls[-1].arguments == ""
