"""Tools under control: a gateway in a process of its own, its sample server, an issuer of tokens, a model that errs."""

import json

import httpx
import pytest
from tests.authorization_server import AuthorizationServer, jwks
from tests.gates.mcp.messages import bearer, modern, official
from tests.journeys.running import House, records, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
mcp:
  oauth: {{url: "http://127.0.0.1:{port}", authorization_servers: ["https://login.example.com"], scopes: [mcp]}}
  validation: {{arguments: enforce, results: enforce}}
  results: {{largest: 4KiB}}
  policies:
  - {{use: key_auth}}
  - {{use: jwt, issuer: "https://login.example.com", audience: resource, keys: "file:jwks.json"}}
servers:
  files:
    url: "http://127.0.0.1:{mcp}/mcp"
    price: {{call: 0.01, tools: {{get_order: 0.5}}}}
    remember: {{tools: [get_order], ttl: 1h}}
    access:
    - {{tools: [secret_admin_tool], roles: [admin]}}
    - {{tools: [add], scopes: [sums]}}
    - {{tools: [echo], when: 'args.text.startsWith("say ")'}}
    policies: [{{use: tool_limit, money: 1, window: 24h, by: team}}]
virtual_servers:
  small: {{tools: ["files__echo"]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, ada: {{}}, boss: {{roles: [admin]}}}}}}}}}}}}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    samples = start_samples()
    folder = tmp_path_factory.mktemp("control")
    (folder / "jwks.json").write_text(jwks())
    running = House(folder)
    write(folder, CONFIGURATION.format(port=running.port, mcp=samples.ports["mcp"]))
    with running:
        yield running
    samples.stop()


def token(house, path="/mcp", scope="mcp"):
    return AuthorizationServer().token(f"{house.url}{path}", scope)


async def test_a_model_that_errs_is_told_what_is_wrong_and_nothing_else_happens(house):
    async with official(f"{house.url}/mcp", house.key()) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "files__secret_admin_tool" not in names
        assert "files__add" in names
        wrong = await client.call_tool("files__echo", {"text": "say hello", "loud": True})
        assert wrong.is_error
        assert "loud" in wrong.content[0].text
        assert (await client.call_tool("files__echo", {"text": "say hello"})).content[0].text == "say hello"
        big = await client.call_tool("files__big", {"bytes": 50_000})
        assert len(big.content[0].text) < 4096
        assert "cut by the gateway" in big.content[0].text
    async with official(f"{house.url}/mcp", house.key(consumer="boss")) as client:
        assert "files__secret_admin_tool" in {tool.name for tool in (await client.list_tools()).tools}


async def test_a_rule_on_arguments_and_a_missing_scope_are_told_apart(house):
    async with httpx.AsyncClient(headers=bearer(token(house)), timeout=10) as http:
        call = modern("tools/call", {"name": "files__echo", "arguments": {"text": "rm -rf"}})
        assert (await http.post(f"{house.url}/mcp", **call)).json()["error"]["code"] == -32602
        call = modern("tools/call", {"name": "files__add", "arguments": {"a": 1, "b": 2}})
        refused = await http.post(f"{house.url}/mcp", **call)
        assert refused.status_code == 403
        assert 'scope="mcp sums"' in refused.headers["www-authenticate"]
        assert f'resource_metadata="{house.url}/.well-known/' in refused.headers["www-authenticate"]
        http.headers.update(bearer(token(house, scope="mcp sums")))
        assert (await http.post(f"{house.url}/mcp", **call)).json()["result"]["structuredContent"] == {"sum": 3}
        assert (await http.post(f"{house.url}/mcp/small", **modern("tools/list"))).status_code == 401
        told = (await http.get(f"{house.url}/.well-known/oauth-protected-resource/mcp/small")).json()
        assert told["resource"] == f"{house.url}/mcp/small"
        http.headers.update(bearer(token(house, "/mcp/small")))
        listed = (await http.post(f"{house.url}/mcp/small", **modern("tools/list"))).json()["result"]["tools"]
        assert [tool["name"] for tool in listed] == ["files__echo"]


async def test_what_was_remembered_costs_nothing_and_money_for_tools_ends(house):
    asked = {"name": "files__get_order", "arguments": {"id": "ord_1001"}}
    async with httpx.AsyncClient(headers=bearer(house.key(consumer="ada")), timeout=10) as http:
        answers = [(await http.post(f"{house.url}/mcp", **modern("tools/call", asked))).json() for _ in range(4)]
        assert len({json.dumps(answer["result"]["content"]) for answer in answers}) == 1
        for number in range(3):
            other = {"name": "files__get_order", "arguments": {"id": f"ord_{number}"}}
            answer = await http.post(f"{house.url}/mcp", **modern("tools/call", other))
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
    house.usage("team")
    rows = records(house.directory, "consumer = 'ada'")
    assert [row["cost"] for row in rows if row["cache"] == "hit"] == [0, 0, 0]
    assert sum(row["cost"] for row in rows) <= 10_000_000_000
