"""Two orgs with a team of one name, and two teams of one org: what is one's never reaches the other."""

import contextlib

import httpx
import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.hostile.raw import Recorder
from tests.journeys.running import House, eventually, records, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
services: {{echo: {{endpoints: ["http://127.0.0.1:{echo}"]}}}}
routes:
  api:
    service: echo
    match: {{path: /api}}
    price: 0.0001
    policies: [{{use: key_auth}}, {{use: rate_limit, name: each, requests: 20, window: 1h}}]
  owned:
    service: echo
    match: {{path: /owned}}
    policies: [{{use: key_auth}}, {{use: access, teams: [{acme_web}]}}]
providers:
  scripted:
    base_url: http://127.0.0.1:{llm}/v1
    auth: null
    models: {{scripted: {{input: 1, output: 2}}}}
models:
  common: {{deployments: [{{provider: scripted, model: scripted}}]}}
  acme-only: {{deployments: [{{provider: scripted, model: scripted}}], teams: [{acme_web}]}}
  ops-only: {{deployments: [{{provider: scripted, model: scripted}}], teams: [acme/ops]}}
  open-with-fallback: {{deployments: [{{provider: scripted, model: scripted-500}}], fallback: [acme-only]}}
servers:
  files: {{url: "http://127.0.0.1:{mcp}/mcp", teams: [{acme_web}], price: 0.002}}
  tools: {{url: "http://127.0.0.1:{mcp}/mcp", price: 0.001}}
virtual_servers:
  dev: {{tools: ["files__*"], teams: [{acme_web}]}}
orgs:
  acme: {{teams: {{web: {{consumers: {{ci: {{}}, cd: {{}}}}}}, ops: {{consumers: {{ci: {{}}}}}}}}}}
{rival}
"""
RIVAL = "  rival: {teams: {web: {consumers: {ci: {}}}}}"
WHO = {
    "web": ("acme", "web", "ci"),
    "cd": ("acme", "web", "cd"),
    "ops": ("acme", "ops", "ci"),
    "rival": ("rival", "web", "ci"),
}


class World:
    """A gateway, and a client for each caller."""

    def __init__(self, house, written):
        self.house, self.written = house, written
        self.keys = {name: house.key(team, consumer, org) for name, (org, team, consumer) in WHO.items()}
        self.clients = {
            name: httpx.Client(base_url=house.url, headers=bearer(key), timeout=10, trust_env=False)
            for name, key in self.keys.items()
        }

    def chat(self, who, model, **headers):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        return self.clients[who].post("/v1/chat/completions", json=body, headers=headers)

    def rewrite(self, **values):
        """Change the configuration, and wait until it is in force."""
        write(self.house.directory, CONFIGURATION.format(**{**self.written, **values}))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder, echo = tmp_path_factory.mktemp("isolation"), Recorder()
    with start_samples() as samples, contextlib.closing(echo):
        written = {"echo": echo.port, "acme_web": "acme/web", "rival": RIVAL}
        written |= {name: samples.ports[name] for name in ("llm", "mcp")}
        write(folder, CONFIGURATION.format(**written))
        with House(folder) as house:
            made = World(house, written)
            yield made
            for client in made.clients.values():
                client.close()


@pytest.mark.parametrize(("who", "status"), [("web", 200), ("cd", 200), ("ops", 403), ("rival", 403)])
def test_a_route_for_one_team_is_not_for_its_namesake(world, who, status):
    assert world.clients[who].get("/owned").status_code == status


@pytest.mark.parametrize(
    ("who", "models"),
    [
        ("web", {"common", "acme-only", "open-with-fallback"}),
        ("ops", {"common", "ops-only", "open-with-fallback"}),
        ("rival", {"common", "open-with-fallback"}),
    ],
)
def test_a_team_sees_and_uses_its_own_models_only(world, who, models):
    listed = {one["id"] for one in world.clients[who].get("/v1/models").json()["data"]}
    assert listed == models
    for model in ("common", "acme-only", "ops-only", "nowhere"):
        answer = world.chat(who, model)
        assert answer.status_code == (200 if model in models else 404), model
    hidden = world.chat("rival", "acme-only").json()["error"]["message"]
    unknown = world.chat("rival", "nowhere").json()["error"]["message"]
    assert hidden.replace("acme-only", "nowhere") == unknown  # that it exists is not told


def test_a_fallback_leads_nobody_to_a_model_that_is_not_theirs(world):
    assert world.chat("web", "open-with-fallback").status_code == 200
    for who in ("rival", "ops"):
        assert world.chat(who, "open-with-fallback").status_code >= 500


def tools(world, who, path="/mcp"):
    answer = world.clients[who].post(path, **modern("tools/list"))
    return {tool["name"] for tool in answer.json()["result"]["tools"]}


def test_a_team_sees_and_calls_its_own_tools_only(world):
    assert {"files__echo", "tools__echo"} <= tools(world, "web")
    for who in ("ops", "rival"):
        seen = tools(world, who)
        assert "tools__echo" in seen
        assert not any(name.startswith("files__") for name in seen)
        refused = world.clients[who].post(
            "/mcp", **modern("tools/call", {"name": "files__echo", "arguments": {"text": "a"}})
        )
        unknown = world.clients[who].post("/mcp", **modern("tools/call", {"name": "files__nope", "arguments": {}}))
        assert refused.json()["error"]["code"] == unknown.json()["error"]["code"]
        assert refused.json()["error"]["message"].replace("echo", "nope") == unknown.json()["error"]["message"]
        assert world.clients[who].post("/mcp/dev", **modern("tools/list")).status_code == 404
    assert tools(world, "web", "/mcp/dev") == {name for name in tools(world, "web") if name.startswith("files__")}


async def test_im3_a_session_is_only_for_the_key_that_opened_it(world):
    """I-M3, I-M4: another principal's session, a made-up one and none at all widen nothing."""
    url = f"{world.house.url}/mcp"
    async with httpx.AsyncClient(headers=bearer(world.keys["web"]), timeout=10) as http:
        session = await initialize(http, url)
    for who, client in world.clients.items():
        status = 200 if who == "web" else 404
        assert client.post("/mcp", **legacy("tools/list", session=session)).status_code == status
        assert (
            client.delete(
                "/mcp", headers={"mcp-session-id": session[:-1] + ("_" if session[-1] != "_" else "-")}
            ).status_code
            == 404
        )
        for made_up in ("x", "0" * 32, "../" + session, session.lower() + "x", f"mcp:{session}"):
            assert client.post("/mcp", **legacy("tools/list", session=made_up)).status_code in (400, 404)
        assert client.post("/mcp", **legacy("tools/list")).status_code == 400
        if who != "web":
            assert client.delete("/mcp", headers={"mcp-session-id": session}).status_code == 404
            assert client.post("/mcp/dev", **legacy("ping", session=session)).status_code == 404
    again = world.house.key("web", "ci")
    answer = httpx.post(url, **_with(legacy("ping", session=session), bearer(again)), timeout=10)
    assert answer.status_code == 404  # another key of the same consumer
    assert world.clients["web"].post("/mcp", **legacy("ping", session=session)).status_code == 200


def _with(sent, headers):
    return {**sent, "headers": {**sent["headers"], **headers}}


def test_one_callers_limit_is_not_anothers(world):
    spent = [world.clients["cd"].get("/api").status_code for _ in range(25)]
    assert (spent.count(200), spent.count(429)) == (20, 5)
    for who in ("web", "ops", "rival"):
        assert world.clients[who].get("/api").status_code == 200


def test_rows_are_charged_to_whoever_called(world):
    for who in WHO:
        assert world.chat(who, "common", **{"x-request-id": f"row-{who}"}).status_code == 200
        call = modern("tools/call", {"name": "tools__echo", "arguments": {"text": "a"}})
        assert world.clients[who].post("/mcp", **call).status_code == 200
    world.house.usage("route")
    rows = records(world.house.directory, "kind = 'final'")
    charged = {(row["route"], row["org"], row["team"], row["consumer"]) for row in rows}
    for route in ("common", "tools"):
        assert {(route, *caller) for caller in WHO.values()} <= charged
    for route, org, team, consumer in charged:
        assert (org, team, consumer) in WHO.values()
        if route in ("acme-only", "files", "owned"):
            assert org == "acme" or all(row["cost"] == 0 for row in rows if (row["route"], row["org"]) == (route, org))
    usage = world.house.usage("org", "team")
    assert {("acme", "web"), ("acme", "ops"), ("rival", "web")} <= usage.keys()


READ = ["/keys", "/usage?by=org&by=team&by=consumer&by=route", "/orgs", "/teams", "/consumers", "/routes", "/tokens"]
READ += ["/exchanges", "/config", "/status", "/upstreams", "/endpoints"]


@pytest.mark.parametrize(
    ("role", "team"),
    [
        ("owner", ""),
        ("admin", ""),
        ("operator", ""),
        ("developer", ""),
        ("viewer", ""),
        ("auditor", ""),
        ("admin", "web"),
    ],
)
def test_an_orgs_administrators_see_their_own_org_only(world, role, team):
    """S-3: keys, usage and teams of another org are not there, whoever asks."""
    world.chat("web", "acme-only")
    sent = {"roles": [role], "org": "rival", "team": team, "name": f"{role}-{team}"}
    made = world.house.admin("POST", "/tokens", json=sent)
    assert made.status_code == 201, made.text
    with httpx.Client(
        base_url=f"{world.house.admin_url}/admin/v1",
        headers=bearer(made.json()["token"]),
        timeout=10,
        trust_env=False,
    ) as client:
        for path in READ:
            answer = client.get(path)
            assert answer.status_code in (200, 403, 404), (path, answer.text)
            assert "acme" not in answer.text or path == "/routes", path
            assert all(key not in answer.text for key in world.keys.values())
        theirs = [one["key_id"] for one in world.house.admin("GET", "/keys").json() if one["org"] == "acme"]
        assert theirs
        assert {client.delete(f"/keys/{number}").status_code for number in theirs} <= {403, 404}
        create = {"org": "acme", "team": "web", "consumer": "ci"}
        assert client.post("/keys", json=create).status_code in (403, 404)
        for wider in ({"org": "acme"}, {"org": ""}, {}):
            assert client.post("/tokens", json={"roles": ["viewer"], "name": "x", **wider}).status_code in (
                403,
                404,
                422,
            )
    assert world.clients["web"].get("/owned").status_code == 200


def test_the_key_of_a_team_that_is_gone_is_not_its_namesakes(world):
    """`teams: [web]` means acme's, once only acme has one; a key of rival's web is not to be taken for it."""
    world.rewrite(acme_web="web", rival="")
    client = world.clients["rival"]
    assert world.house.admin("POST", "/config/reload").status_code == 200
    eventually(lambda: "rival" not in world.house.admin("GET", "/orgs").text)
    assert world.clients["web"].get("/owned").status_code == 200
    assert client.get("/owned").status_code in (401, 403)
    assert world.chat("rival", "acme-only").status_code in (401, 404)
    listing = client.post("/mcp", **modern("tools/list"))
    assert listing.status_code == 401 or "files__" not in listing.text
    assert client.post("/mcp/dev", **modern("tools/list")).status_code in (401, 404)
