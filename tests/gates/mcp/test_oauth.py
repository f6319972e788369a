"""Clients with tokens: they are told where to get them, and a token holds for its own endpoint and scopes only."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata
from tests.authorization_server import AuthorizationServer, jwks
from tests.gates.mcp.conftest import TEAMS
from tests.gates.mcp.messages import bearer, modern

from triplegate.config.documents_oauth import ResourceDocument
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.gates.mcp.oauth import WELL_KNOWN, Oauth, insufficient

URL = "https://mcp.example.com"
DOCUMENTS = """
mcp:
  oauth: {url: "https://mcp.example.com", authorization_servers: ["https://login.example.com"], scopes: [mcp]}
  policies:
  - {use: key_auth}
  - {use: jwt, issuer: "https://login.example.com", audience: resource, keys: "file:jwks.json"}
virtual_servers:
  reading: {tools: ["files__*"], scopes: [read], policies: [{use: access, scopes: [deep, deeper]}]}
  other: {tools: ["files__*"]}
"""


def oauth(**fields):
    written = {"url": URL, "authorization_servers": ["https://login.example.com/"]} | fields
    return Oauth(ResourceDocument.model_validate(written), "/mcp", {"reading": ["read"], "other": []})


def told(reply):
    return httpx.Response(reply.status, content=reply.frames.content).json()


async def running(house, sample):
    server = await sample()
    documents = f"servers: {{s: {{url: {server.url}/mcp, alias: files}}}}\n" + DOCUMENTS
    return await house(documents, secrets={"file:jwks.json": jwks()})


def test_each_endpoint_has_a_document_and_no_name_is_given_away():
    found = oauth(scopes=["mcp"])
    assert told(found.metadata("/mcp/reading")) == {
        "resource": f"{URL}/mcp/reading",
        "authorization_servers": ["https://login.example.com/"],  # to the letter: issuers are compared so
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["mcp", "read"],
    }
    assert told(found.metadata("")) == told(found.metadata("/mcp"))
    nobody, somebody = told(found.metadata("/mcp/nobody")), told(found.metadata("/mcp/other"))
    assert nobody == somebody | {"resource": f"{URL}/mcp/nobody"}
    assert "scopes_supported" not in told(oauth().metadata("/mcp"))
    for path in ("/mcpx", "/mcp/", "/mcp/a/b", '/mcp/a"b', "/orders"):
        with pytest.raises(Refusal, match="route_not_found"):
            found.metadata(path)


def test_tokens_need_the_scopes_of_the_endpoint_and_keys_do_not():
    found = oauth(scopes=["mcp"])
    token = Principal("acme", "web", "ada", method="jwt", scopes=frozenset({"mcp"}))
    assert found.needed("", token) == {"mcp"}
    assert found.needed("reading", token) == {"mcp", "read"}
    assert found.needed("reading", Principal("acme", "web", "ci", method="key")) == set()
    assert insufficient(frozenset({"mcp", "read"})).headers == [
        (b"www-authenticate", b'Bearer error="insufficient_scope", scope="mcp read"')
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'Bearer realm="triplegate"', b'Bearer realm="triplegate", META, scope="mcp read"'),
        (b'Bearer error="invalid_token"', b'Bearer error="invalid_token", META, scope="mcp read"'),
        (
            b'Bearer error="insufficient_scope", scope="deep mcp"',
            b'Bearer error="insufficient_scope", META, scope="deep mcp read"',
        ),
    ],
)
def test_a_challenge_names_the_metadata_and_all_scopes_at_once(before, after):
    from triplegate.gates.mcp.refusals import json_reply

    reply = json_reply(b"{}", 401, [(b"www-authenticate", before)])
    oauth(scopes=["mcp"]).challenge("/mcp/reading", reply)
    metadata = f'resource_metadata="{URL}{WELL_KNOWN}/mcp/reading"'.encode()
    assert reply.headers[0] == (b"www-authenticate", after.replace(b"META", metadata))


async def test_a_client_finds_its_way_from_the_first_401_to_an_answer(house, sample, http):
    gate = await running(house, sample)
    url, issuer = f"{gate.url}/mcp/reading", AuthorizationServer()
    refused = await http.post(url, **modern("tools/list"))
    challenge = refused.headers["www-authenticate"]
    assert refused.status_code == 401
    assert "error=" not in challenge
    assert 'scope="mcp read"' in challenge
    where = challenge.partition('resource_metadata="')[2].partition('"')[0]
    assert where == f"{URL}{WELL_KNOWN}/mcp/reading"
    document = await http.get(where.replace(URL, gate.url))
    assert document.status_code == 200
    assert document.headers["content-type"] == "application/json"
    poor = issuer.token(document.json()["resource"], "mcp")
    refused = await http.post(url, **modern("tools/list", headers=bearer(poor)))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, -32001)
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert 'scope="deep deeper mcp read"' in refused.headers["www-authenticate"]  # the policies' are among them
    rich = issuer.token(document.json()["resource"], "mcp read deep deeper")
    answer = await http.post(url, **modern("tools/list", headers=bearer(rich)))
    assert answer.json()["result"]["tools"]
    half = issuer.token(document.json()["resource"], "mcp read")
    refused = await http.post(url, **modern("tools/list", headers=bearer(half)))
    assert 'scope="deep deeper mcp read"' in refused.headers["www-authenticate"]


async def test_a_token_without_the_base_scopes_of_an_endpoint_gets_nowhere(house, sample, http):
    gate = await running(house, sample)
    for scope, status in (("", 403), ("read", 403), ("mcp", 200)):
        token = AuthorizationServer().token(f"{URL}/mcp/other", scope)
        answer = await http.post(f"{gate.url}/mcp/other", **modern("tools/list", headers=bearer(token)))
        assert answer.status_code == status


BAD = {
    "another endpoint": {"audience": f"{URL}/mcp/other"},
    "the gate as a whole": {"audience": URL},
    "a prefix of it": {"audience": f"{URL}/mcp"},
    "another issuer": {"iss": "https://login.example.com/"},
    "expired": {"exp": 1},
    "not genuine": {"genuine": False},
}


@pytest.mark.parametrize("wrong", BAD)
async def test_a_token_that_was_not_made_for_this_endpoint_opens_nothing(house, sample, http, wrong):
    gate = await running(house, sample)
    made = {"audience": f"{URL}/mcp/reading", "scope": "mcp read deep deeper"} | BAD[wrong]
    token = AuthorizationServer().token(**made)
    # where it does hold, it is remembered: that must not help it elsewhere
    await http.post(f"{gate.url}/mcp/other", **modern("tools/list", headers=bearer(token)))
    refused = await http.post(f"{gate.url}/mcp/reading", **modern("tools/list", headers=bearer(token)))
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert "resource_metadata=" in refused.headers["www-authenticate"]


async def test_the_official_client_finds_its_way_by_itself_and_steps_up_once(house, sample, serve):
    """Discovery, registration, consent, token, a missing scope, consent again: all by the client's own code."""
    issuer = AuthorizationServer()
    issuer.issuer = (await serve(issuer)).url
    server = await sample()
    gate = await house(f"servers: {{s: {{url: {server.url}/mcp, alias: files}}}}\n", secrets={"file:jwks.json": jwks()})
    gate.reload(
        TEAMS + f"servers: {{s: {{url: {server.url}/mcp, alias: files, "
        "access: [{tools: [echo], scopes: [files.echo]}, {tools: [echo], scopes: [files.read]}]}}\n"
        f"mcp:\n  oauth: {{url: {gate.url}, authorization_servers: [{issuer.issuer}], scopes: [mcp]}}\n"
        f"  policies: [{{use: jwt, issuer: {issuer.issuer}, audience: resource, keys: 'file:jwks.json'}}]\n"
    )
    visits = []
    async with httpx.AsyncClient() as browser:

        async def redirected(url):
            visits.append(parse_qs(urlsplit(url).query))
            landed = parse_qs(urlsplit((await browser.get(url)).headers["location"]).query)
            visits[-1]["landed"] = [landed["code"][0], landed["state"][0], landed["iss"][0]]

        async def returned():
            code, state, iss = visits[-1]["landed"]
            return AuthorizationCodeResult(code=code, state=state, iss=iss)

        url = f"{gate.url}/mcp"
        auth = OAuthClientProvider(
            url,
            OAuthClientMetadata(client_name="t", redirect_uris=["http://127.0.0.1:1/back"]),
            Kept(),
            redirected,
            returned,
        )
        async with create_mcp_http_client(auth=auth) as client:
            transport = streamable_http_client(url, http_client=client)
            async with Client(transport, read_timeout_seconds=10) as session:
                assert [tool.name for tool in (await session.list_tools()).tools]
                assert visits[0]["resource"] == [url]
                assert visits[0]["scope"] == ["mcp"]
                answer = await session.call_tool("files__echo", {"text": "hello"})
                assert answer.content[0].text == "hello"
    assert [set(visit["scope"][0].split()) for visit in visits] == [{"mcp"}, {"mcp", "files.echo", "files.read"}]


class Kept:
    """A client's memory."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def test_keys_go_on_working_beside_tokens(house, sample, http):
    gate = await running(house, sample)
    answer = await http.post(f"{gate.url}/mcp/other", **modern("tools/list", headers=bearer(gate.key())))
    assert answer.json()["result"]["tools"]


async def test_without_oauth_there_is_no_metadata(house, sample, http):
    gate = await house(f"servers: {{s: {{url: {(await sample()).url}/mcp}}}}\n")
    assert (await http.get(f"{gate.url}{WELL_KNOWN}/mcp")).status_code == 404
    refused = await http.post(f"{gate.url}/mcp", **modern("tools/list"))
    assert refused.headers["www-authenticate"] == 'Bearer realm="triplegate"'


async def test_a_page_of_an_allowed_origin_may_call_and_read(house, sample, http):
    gate = await running(house, sample)
    page = {"origin": "http://localhost:6274"}
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,mcp-protocol-version,mcp-param-region,x-evil",
    }
    before = await http.options(f"{gate.url}/mcp/other", headers=page | asked)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == page["origin"]
    assert before.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    named = before.headers["access-control-allow-headers"]
    assert named == "authorization, content-type, mcp-protocol-version, mcp-param-region"
    refused = await http.post(f"{gate.url}/mcp/other", **modern("tools/list", headers=page))
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == page["origin"]
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]
    assert "Mcp-Session-Id" in refused.headers["access-control-expose-headers"]
    document = await http.get(f"{gate.url}{WELL_KNOWN}/mcp", headers=page)
    assert document.headers["access-control-allow-origin"] == page["origin"]
    evil = {"origin": "https://evil.test"}
    for answer in (
        await http.options(f"{gate.url}/mcp/other", headers=evil | asked),
        await http.get(f"{gate.url}{WELL_KNOWN}/mcp", headers=evil),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert (await http.options(f"{gate.url}/mcp")).status_code == 405
