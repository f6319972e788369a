"""The threats that the protocol's security pages name, each tried on a running gateway: none gets through.

One story a row of the specification's list, in its order; what a row needs that is tried elsewhere says where.
"""

import json

import httpx
import pytest
from tests.gates.mcp.messages import META, bearer, initialize, legacy, modern
from tests.hostile.test_edge_secrets import drain_output
from tests.journeys.running import House, eventually, write
from tests.servers.mcp_double import Double, said, tool

CONFIGURATION = """
mcp:
  allowed_origins: ["https://app.example.com"]
servers:
  good:
    url: "{good}"
    headers: {{x-own: env:OWN_SECRET}}
    tools: {{deny: ["secret_*"]}}
  sessions: {{url: "{sessions}"}}
virtual_servers:
  a: {{tools: ["good__*"], teams: [web]}}
  b: {{tools: ["sessions__*"], teams: [lab]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, other: {{}}}}}}, lab: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
SECRET = "our-own-credential"
TOOLS = (
    tool("echo", schema={"type": "object", "properties": {"text": {"type": "string"}}}),
    tool("secret_reset", "Nobody may."),
    tool("region", schema={"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}),
)


class Place:
    """The gateway and the two servers behind it."""

    def __init__(self, house: House, good: Double, sessions: Double):
        self.house, self.good, self.sessions = house, good, sessions
        self.url = f"{house.url}/mcp"
        self.key, self.other, self.lab = house.key(), house.key(consumer="other"), house.key("lab")

    def client(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers=bearer(key or self.key) | headers, timeout=10)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threats")
    with Double(*TOOLS) as good, Double(*TOOLS, era="legacy") as sessions:
        write(folder, CONFIGURATION.format(good=good.url, sessions=sessions.url))
        with House(folder, TRIPLEGATE_ACCESS_LOG="stdout", OWN_SECRET=SECRET) as house:
            yield Place(house, good, sessions)


def call(name: str, **arguments: object) -> dict:
    return {"name": name, "arguments": arguments}


def error_of(answer: httpx.Response) -> int:
    return answer.json()["error"]["code"]


# token passthrough ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("carrier", ["authorization", "x-api-key", "cookie", "proxy-authorization"])
async def test_no_credential_of_a_client_reaches_a_server_and_ours_does(place, carrier):
    place.good.seen.clear()
    mark = "a-clients-own-token"
    async with place.client(place.key) as http:
        request = modern("tools/call", call("good__echo", text="hey"))
        if carrier not in ("authorization", "x-api-key"):
            request["headers"][carrier] = mark
        elif carrier == "x-api-key":
            http.headers.pop("authorization")
            request["headers"]["x-api-key"] = place.key
        assert (await http.post(place.url, **request)).status_code == 200
    sent = json.dumps(place.good.seen)
    assert place.key not in sent
    assert mark not in sent
    assert SECRET in sent


async def test_a_key_opens_no_virtual_server_of_another_team(place):
    async with place.client(place.lab) as http:
        assert (await http.post(f"{place.url}/a", **modern("tools/list"))).status_code == 404
        assert (await http.post(f"{place.url}/b", **modern("tools/list"))).status_code == 200


# session hijack -------------------------------------------------------------------------------------------
async def test_a_session_is_nothing_to_anyone_else(place):
    async with place.client() as owner:
        session = await initialize(owner, place.url)
        assert len(session) >= 32  # 192 random bits
        for key, url in ((place.other, place.url), (place.lab, place.url), (place.key, f"{place.url}/a")):
            async with place.client(key) as http:
                for message in ("ping", "tools/list"):
                    assert (await http.post(url, **legacy(message, session=session))).status_code == 404
                theirs = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
                assert (await http.delete(url, headers=theirs)).status_code == 404
        async with httpx.AsyncClient() as nobody:
            assert (await nobody.post(place.url, **legacy("ping", session=session))).status_code == 401
        assert (await owner.post(place.url, **legacy("ping", session=session))).status_code == 200


async def test_sessions_cannot_be_guessed_and_two_are_unlike(place):
    async with place.client() as http:
        sessions = [await initialize(http, place.url) for _ in range(20)]
        assert len(set(sessions)) == 20
        common = [left == right for left, right in zip(sessions[0], sessions[1], strict=True)]
        assert sum(common) < len(common) / 2
        for wrong in ("", "x", sessions[0][:-1], sessions[0] + "x", sessions[0].swapcase(), "*"):
            answer = await http.post(place.url, **legacy("ping", session=wrong))
            assert answer.status_code in (400, 404)


# DNS rebinding --------------------------------------------------------------------------------------------
DOORS = [
    ({"host": "localhost"}, 200),
    ({"host": "127.0.0.1:80"}, 200),
    ({"host": "evil.example"}, 403),
    ({"host": "localhost.evil.example"}, 403),
    ({"origin": "http://localhost:3000"}, 403),  # from loopback only where no origin is written down
    ({"origin": "https://app.example.com"}, 200),
    ({"origin": "https://app.example.com.evil.example"}, 403),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "http://app.example.com"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), DOORS)
async def test_a_page_gets_in_by_its_host_and_origin_only(place, headers, status):
    async with place.client() as http:
        answer = await http.post(place.url, **modern("server/discover", headers=headers))
        assert answer.status_code == status


# list/call asymmetry --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["good__secret_reset", "secret_reset", "good/secret_reset", "GOOD__secret_reset"])
async def test_a_denied_tool_is_unlisted_and_unknown_by_every_name(place, name):
    place.good.seen.clear()
    unknown = "good__there_is_no_such_tool"
    async with place.client() as http:
        for url in (place.url, f"{place.url}/a"):
            listed = (await http.post(url, **modern("tools/list"))).json()["result"]["tools"]
            assert "good__secret_reset" not in [one["name"] for one in listed]
            denied = await http.post(url, **modern("tools/call", call(name)))
            other = await http.post(url, **modern("tools/call", call(unknown)))
            assert denied.status_code == other.status_code
            assert denied.text.replace(name, unknown) == other.text
            session = await initialize(http, url)
            denied = await http.post(url, **legacy("tools/call", call(name), session=session))
            other = await http.post(url, **legacy("tools/call", call(unknown), session=session))
            assert denied.text.replace(name, unknown) == other.text
    assert not place.good.calls("secret_reset")


# header/body confusion ------------------------------------------------------------------------------------
CONFUSED = [
    {"mcp-method": "tools/list"},
    {"mcp-method": None},
    {"mcp-method": "TOOLS/CALL"},
    {"mcp-name": "good__region"},
    {"mcp-name": None},
    {"mcp-name": "=?base64?Z29vZF9fcmVnaW9u?="},
    {"mcp-name": "=?base64?Z29vZF9fZWNobw?="},  # no padding: not canonical
    {"mcp-name": "=?BASE64?Z29vZF9fZWNobw==?="},
    {"mcp-protocol-version": "2025-11-25"},
    {"mcp-protocol-version": None},
]


@pytest.mark.parametrize("headers", CONFUSED)
async def test_headers_that_tell_another_story_than_the_body_are_refused(place, headers):
    place.good.seen.clear()
    async with place.client() as http:
        answer = await http.post(place.url, **modern("tools/call", call("good__echo", text="a"), headers=headers))
        assert (answer.status_code, error_of(answer)) == (400, -32020)
    assert not place.good.calls()


async def test_a_routing_header_said_twice_is_refused_even_when_both_agree(place):
    place.good.seen.clear()
    request = modern("tools/call", call("good__echo", text="a"))
    async with place.client() as http:
        for name in ("mcp-method", "mcp-name", "mcp-protocol-version"):
            twice = [*request["headers"].items(), (name, request["headers"][name])]
            answer = await http.post(place.url, json=request["json"], headers=twice)
            assert (answer.status_code, error_of(answer)) == (400, -32020)
    assert not place.good.calls()


async def test_what_a_header_mirrors_is_judged_by_the_body(place):
    async with place.client() as http:
        for headers, arguments in (
            ({"mcp-param-region": "eu"}, {"region": "us"}),
            ({"mcp-param-region": "eu"}, {}),
            ({}, {"region": "us"}),
        ):
            request = modern("tools/call", call("good__region", **arguments), headers=headers)
            answer = await http.post(place.url, **request)
            assert (answer.status_code, error_of(answer)) == (400, -32020)
        right = modern("tools/call", call("good__region", region="eu"), headers={"mcp-param-region": "eu"})
        assert (await http.post(place.url, **right)).status_code == 200


async def test_an_old_version_cannot_carry_modern_headers_around_the_checks(place):
    place.good.seen.clear()
    async with place.client() as http:
        session = await initialize(http, place.url)
        request = legacy("tools/call", call("good__secret_reset"), session=session)
        request["headers"] |= {"mcp-method": "tools/call", "mcp-name": "good__echo"}
        assert "error" in (await http.post(place.url, **request)).json()
    assert not place.good.calls()


# method gaps ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["vendor/x", "tools/Call", "tools/call ", "initialize", "ping", "tasks/get", ""])
async def test_what_is_not_allowed_is_denied(place, method):
    place.good.seen.clear()
    async with place.client() as http:
        request = modern("tools/list")
        request["json"]["method"] = method
        request["headers"]["mcp-method"] = method.strip() or "x"
        answer = await http.post(place.url, **request)
        assert answer.status_code in (400, 404)
        assert error_of(answer) in (-32601, -32600, -32020)
    assert not place.good.seen


async def test_no_strange_json_reaches_a_server(place):
    place.good.seen.clear()
    head = modern("tools/call", call("good__echo"))["headers"] | {"content-type": "application/json"}
    envelope = json.dumps({"_meta": META})[1:-1]
    start = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good__echo",' + envelope + ',"arguments":'
    bodies = [
        start + "NaN}}",
        start + '{"text":Infinity}}}',
        start + "[" * 2000 + "]" * 2000 + "}}",
        start + '{}},"method":"tools/call"}',  # a member twice
        "[" + start + "{}}}]",
        start + '{"text":"' + "x" * (5 * 1024 * 1024) + '"}}}',
        "\ufeff" + start + "{}}}",
        start + "{}}}{}",
    ]
    async with place.client() as http:
        for body in bodies:
            try:
                answer = await http.post(place.url, content=body.encode(), headers=head)
            except httpx.TransportError:
                assert len(body) > 4 * 1024 * 1024, body[:200]  # refused while it was still being sent
                continue
            assert answer.status_code in (400, 413), body[:200]
            assert "error" in answer.json()
    assert not place.good.calls()


async def test_a_batch_is_only_for_those_who_agreed_to_batches(place):
    async with place.client() as http:
        batch = [legacy("ping", identity=1)["json"], legacy("ping", identity=2)["json"]]
        for version, status in (("2025-03-26", 200), ("2025-06-18", 400), ("2025-11-25", 400)):
            session = await initialize(http, place.url, version)
            headers = {"mcp-session-id": session, "mcp-protocol-version": version}
            answer = await http.post(place.url, json=batch, headers=headers)
            assert answer.status_code == status


# SSRF -----------------------------------------------------------------------------------------------------
async def test_no_redirect_of_a_server_is_followed(place):
    from triplegate.samples.http import Answer

    with Double() as inside:
        for status in (301, 302, 307, 308):
            target = [("location", inside.url)]
            place.good.behave["echo"] = lambda _, status=status, target=target: Answer(status=status, headers=target)
            async with place.client() as http:
                answer = await http.post(place.url, **modern("tools/call", call("good__echo")))
                assert answer.status_code == 502
        assert not inside.requests
    place.good.behave.clear()


# output injection -----------------------------------------------------------------------------------------
async def test_unknown_content_passes_as_the_bytes_it_is(place):
    strange = {
        "content": [{"type": "hologram", "depth": 3.0, "x": {"y": [None]}}, {"type": "text", "text": "\u001b[31m"}],
        "structuredContent": {"a": 1},
        "vendor": {"deep": {"er": True}},
    }
    place.good.behave["echo"] = lambda _: strange
    async with place.client() as http:
        result = (await http.post(place.url, **modern("tools/call", call("good__echo")))).json()["result"]
    place.good.behave.clear()
    assert result["vendor"] == strange["vendor"]
    assert result["content"][0] == strange["content"][0]


# notification and elicitation spoofing --------------------------------------------------------------------
async def test_answers_nobody_asked_for_go_nowhere(place):
    place.sessions.seen.clear()
    async with place.client() as http:
        session = await initialize(http, place.url)
        assert (await http.post(place.url, **legacy("tools/list", session=session))).status_code == 200
        for forged in ("gw:sessions:AAAA", "1", 1, "x" * 500):
            answer = {"jsonrpc": "2.0", "id": forged, "result": {"action": "accept", "content": {"ok": True}}}
            headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
            heard = await http.post(place.url, json=answer, headers=headers)
            assert heard.status_code in (202, 400, 404)
    assert not [message for _, message in place.sessions.seen if "method" not in message]


# audit ----------------------------------------------------------------------------------------------------
async def test_neither_log_nor_ledger_holds_arguments_results_or_credentials(place):
    mark, result = "an-argument-of-a-call", "a-result-of-a-call"
    place.good.behave["echo"] = lambda _: said(result)
    async with place.client() as http:
        request = modern("tools/call", call("good__echo", text=mark))
        assert result in (await http.post(place.url, **request)).text
        await http.post(place.url, **modern("tools/call", call("good__nope", text=mark)))
        await http.post(place.url, content=b'{"jsonrpc": "' + mark.encode())
    place.good.behave.clear()
    place.house.usage("route")
    eventually(lambda: drain_output(place.house) or any("good__nope" in line for line in place.house.lines))
    kept = [line.encode() for line in place.house.lines]
    kept += [path.read_bytes() for path in place.house.directory.rglob("*") if path.is_file()]
    assert any(b"good__echo" in content for content in kept)
    for secret in (mark, result, place.key, SECRET):
        assert not any(secret.encode() in content for content in kept), secret
