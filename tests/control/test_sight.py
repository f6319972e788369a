"""What the control plane sees of the real gateway."""

import asyncio

import pytest
from tests.builders import make_exchange
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream
from tests.servers.grpc import echoing

import triplegate
from triplegate.control.sight import Sight
from triplegate.control.view import Degraded, Reloaded
from triplegate.core.errors import Fault
from triplegate.gates.llm.cooldown import Cooldown, Pace
from triplegate.gates.llm.shadow import Spent
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.meaning import Meaning
from triplegate.stores.spool import Spool
from triplegate.stores.verdicts.tally import Tally
from triplegate.upstreams.grpc import GrpcChannel

TEXT = """
gateway: {policies: [{use: timeout, name: all, total: 9s}]}
services: {a: {endpoints: ["http://127.0.0.1:PORT"]}, b: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  r:
    services: [{service: a, weight: 1}, {service: b, weight: 0}]
    match: [{path: /r, methods: [GET, PUT]}, {host: x.test, path: /}]
    price: 0.1
    owner: web
    policies: [{use: key_auth, name: keys}, {use: rate_limit, name: few, requests: 9}]
  free: {service: b, match: {path: /f}, identity: none}
models: {m: {deployments: [{provider: p, model: x}, {provider: p, model: y, name: second}], owner: ops}}
providers: {p: {base_url: "http://127.0.0.1:2/v1", auth: null}}
servers: {files: {url: "http://127.0.0.1:3/mcp", alias: f, owner: web}}
llm: {policies: [{use: key_auth, name: llm-keys}]}
mcp: {policies: [{use: key_auth, name: mcp-keys}]}
orgs: {acme: {teams: {web: {plan: free, consumers: {ci: {}}}, ops: {}}}}
plans: {free: {policies: [{use: rate_limit, name: plan, requests: 9}]}}
"""


def sight(made, spool=None, live=(), **more):
    async def reload():
        return Reloaded(changed=True, hash="h", generation=2)

    async def validate(documents):
        return [Fault(name, "wrong") for name in documents]

    parts = {
        "gates": {"api": "http://a"},
        "origin": "folder",
        "reload": reload,
        "validate": validate,
        "degraded": lambda: [Degraded("redis", "away")],
        "waiting": lambda: ["draining"],
    }
    return Sight(made.gateway, spool, lambda: iter(live), **(parts | more))


@pytest.fixture
async def made(tmp_path):
    async with Upstream(always(answer(b"{}"))) as upstream:
        text = TEXT.replace("PORT", upstream.url.rpartition(":")[2])
        async with built(tmp_path, text) as gateway:
            gateway.upstream, gateway.text = upstream, text
            yield gateway


async def test_the_configuration_in_force_and_why_a_newer_one_is_not(made):
    running = sight(made).running()
    snapshot = made.gateway.snapshot
    assert (running.hash, running.generation, running.loaded_at) == (snapshot.hash, 1, snapshot.loaded_at)
    assert (running.origin, running.version, running.last_error) == ("folder", triplegate.__version__, "")
    made.gateway.keep("a.yaml:1:1 wrong")
    running = sight(made).running()
    assert (running.last_error, running.hash) == ("a.yaml:1:1 wrong", snapshot.hash)
    assert running.last_error_at > 1_700_000_000
    assert sight(made).reloads() == (1, 1)


async def test_before_any_configuration_it_says_nothing(made):
    made.gateway.snapshot = None
    seen = sight(made)
    assert (seen.running().hash, seen.routes(), seen.teams()) == ("", (), ())


async def test_routes_models_and_servers_with_their_policies_in_order(made):
    found = {(view.gate, view.name): view for view in sight(made).routes()}
    route, model, server = found["api", "r"], found["llm", "m"], found["mcp", "files"]
    assert route.match == "GET|PUT */r, any x.test/"
    assert (route.targets, route.owner, route.billed, route.trouble) == (("a", "b"), "web", True, "")
    assert route.policies == ("all", "keys", "few")
    assert route.origin.startswith("triplegate.yaml:5:")
    assert (model.match, model.targets, model.policies) == ("model m", ("p/x", "second"), ("all", "llm-keys"))
    assert (server.match, server.targets, server.owner) == ("tools f__*", ("http://127.0.0.1:3/mcp",), "web")
    assert not found["api", "free"].billed


async def test_a_model_without_its_credential_says_so_and_the_others_do_not(made):
    made.take(made.text.replace("auth: null", "key: env:NOWHERE"))
    troubled = {view.name: view.trouble for view in sight(made).routes() if view.trouble}
    assert list(troubled) == ["m"]
    assert "env:NOWHERE" in troubled["m"]


async def test_a_route_whose_policy_cannot_decide_says_so(made):
    made.take(
        made.text.replace("[{use: key_auth, name: keys}", '[{use: jwt, issuer: i, audience: a, keys: "file:no.json"}')
    )
    troubled = {view.name: view.trouble for view in sight(made).routes() if view.trouble}
    assert "jwt" in troubled["r"]


async def test_endpoints_that_are_chosen_from_or_watched_are_shown(made):
    assert list(sight(made).endpoints()) == []
    text = made.text.replace(
        'b: {endpoints: ["http://127.0.0.1:1"]', 'b: {endpoints: ["http://127.0.0.1:1"], health: {}'
    )
    made.take(text.replace("services: {a:", "services: {c: {endpoints: ['http://x:1', 'http://y:1']}, a:"))
    shown = {(view.service, view.address): view for view in sight(made).endpoints()}
    assert set(shown) == {("b", "http://127.0.0.1:1"), ("c", "http://x:1"), ("c", "http://y:1")}
    watched = shown["b", "http://127.0.0.1:1"]
    assert (watched.state, watched.used, watched.calls) == ("unknown", True, 0)
    group = made.gateway.snapshot.gates["api"].services["b"].group
    group.mark(group.endpoints[0], "status 500", made.kit.clock.now())
    watched = next(view for view in sight(made).endpoints() if view.service == "b")
    assert (watched.state, watched.reason, watched.used) == ("down", "status 500", True)  # the only one
    made.gateway.snapshot = None
    assert list(sight(made).endpoints()) == []


async def test_upstreams_are_unknown_until_they_were_called(made):
    def states():
        return {view.address: (view.state, view.open, view.idle) for view in sight(made).upstreams()}

    url = made.upstream.url
    servers = {one.name: (one.kind, one.address) for one in sight(made).upstreams() if one.name.startswith("server:")}
    assert servers == {"server:files": ("server", "http://127.0.0.1:3/mcp")}
    assert set(states()) == {url, *(f"http://127.0.0.1:{port}" for port in (1, 2, 3)), "http://127.0.0.1:3/mcp"}
    assert states()[url] == ("unknown", 0, 0)
    await made.serve("GET", "/r")
    assert states()[url] == ("up", 1, 1)
    assert (url, 1, 1, 0) in list(sight(made).pools())


async def test_policies_that_bound_calls_and_breakers_are_seen(made):
    policies = (
        "policies: [{use: bulkhead, at_once: 9, by: team}, {use: fair_share, at_once: 9}, {use: shed}, {use: breaker}]"
    )
    made.take(made.text.replace("services: {a: {", "services: {a: {" + policies + ", "))
    assert list(sight(made).breakers()) == [], "none has seen a call"
    exchange, reply = await made.answer("GET", "/r")
    assert set(sight(made).rooms()) == {(f"service:a/{use}", 1, 0) for use in ("bulkhead", "fair_share", "shed")}
    assert list(sight(made).found_limits()) == [("service:a/shed", 20)]
    assert list(sight(made).breakers()) == [("service:a", "closed")]
    reply.frames.close()
    exchange.close("ok")
    assert {inside for _, inside, _ in sight(made).rooms()} == {0}


async def test_what_models_leave_alone_and_what_their_shadows_cost_is_seen(made):
    assert list(sight(made).cooldowns()) == []
    states = made.kit.states
    cooldown = states.get(Cooldown, "group:p:env:KEY:x", Cooldown)
    cooldown.refused(made.kit.clock.now(), Pace(60.0, 60.0), None, "429")
    assert list(sight(made).cooldowns()) == [("group", "p:env:KEY:x", True, 1)]
    cooldown.well()
    assert list(sight(made).cooldowns()) == [("group", "p:env:KEY:x", False, 1)]
    spent = states.get(Spent, "shadow:m", Spent)
    spent.counts["sent"] += 2
    assert spent.take(1, 10**10, 10**9)
    spent.settle(1, 10**9, 5 * 10**9)
    assert list(sight(made).shadows()) == [("m", "sent", 2)]
    assert list(sight(made).shadow_costs()) == [("m", 0.5)]


async def test_how_long_sessions_lasted_is_seen(made):
    log = made.kit.state(SessionLog, "mcp", SessionLog)
    now = made.kit.clock.wall()
    log.ages.begin("s", "2025-11-25", now - 9000)
    log.ages.client.record(("2025-06-18", ""), 3.0)
    [(labels, cells)] = sight(made).session_times("server")
    assert (labels, sum(cells[:-1])) == (("2025-11-25", "timeout"), 1)
    [(labels, cells)] = sight(made).session_times("client")
    assert (labels, cells[-1]) == (("2025-06-18", ""), 3.0)


async def test_what_guards_that_others_run_have_said_is_seen(made):
    tally = made.kit.state(Tally, "hooks", lambda: Tally("hooks"))
    tally.add("hook", "failed open")
    assert list(sight(made).verdicts()) == [("hooks", "hook", "failed open", 1)]


async def test_an_upstream_that_cannot_be_reached_is_down_with_the_reason(made):
    exchange = made.open("POST", "/v1/chat/completions", body=b'{"model":"m"}')
    assert (await made.gateway.answer(exchange.gate, exchange)).status == 502
    view = next(view for view in sight(made).upstreams() if view.address.endswith(":2"))
    assert view.state == "down"
    assert view.reason


async def test_teams_with_their_plans_and_consumers(made):
    assert [(team.org, team.team, team.plan, team.consumers) for team in sight(made).teams()] == [
        ("acme", "web", "free", ("ci",)),
        ("acme", "ops", "", ()),
    ]


async def test_calls_under_way_by_gate(made):
    live = [made.open("GET", "/r"), made.open("GET", "/r"), made.open("POST", "/mcp")]
    assert sight(made, live=live).active() == {"api": 2, "llm": 0, "mcp": 1}


async def test_what_waits_for_the_ledger(made, tmp_path):
    clock = made.kit.clock
    spool = Spool(tmp_path / "spool", "n", clock)
    seen = sight(made, spool)
    assert ({name: entries for name, entries, _ in seen.spool()}, seen.ledger_lag()) == (
        {"billed": 0, "unpriced": 0},
        0.0,
    )
    exchange = make_exchange()
    exchange.close("ok")
    spool.append(exchange.house.spool.records[0])
    await asyncio.sleep(0.01)
    ((_, entries, size),) = [one for one in seen.spool() if one[1]]
    assert entries == 1
    assert size > 100
    spool.close()


async def test_questions_that_cannot_be_compared_are_told(made):
    memory = made.kit.state(Meaning, "m", lambda: Meaning(made.kit, Embedder(lambda: None), None))
    memory.embedder.failure = "no answer in 1 s"
    told = sight(made).degraded()[-1]
    assert (told.part, told.detail) == ("semantic cache", "only equal questions are answered: no answer in 1 s")
    memory.embedder.close()


async def test_the_rest_is_passed_on(made):
    seen = sight(made)
    assert seen.gates() == {"api": "http://a"}
    assert [one.part for one in seen.degraded()] == ["redis"]
    assert seen.not_ready() == ["draining"]
    assert await seen.validate({"a.yaml": ""}) == [Fault("a.yaml", "wrong")]
    assert (await seen.reload()).generation == 2


async def test_a_grpc_channel_is_an_upstream_too(tmp_path):
    async with echoing() as echo:
        text = f'services: {{e: {{endpoints: ["{echo.url}"], protocol: grpc}}}}\n'
        async with built(tmp_path, text) as gateway:
            (channel,) = gateway.kit.states.every(GrpcChannel)
            (shown,) = [one for one in sight(gateway).upstreams() if one.name.endswith("(gRPC)")]
            assert (shown.address, shown.state) == (echo.url, "unknown")
            await channel.ready(5.0)
            (shown,) = [one for one in sight(gateway).upstreams() if one.name.endswith("(gRPC)")]
            assert (shown.state, shown.open) == ("up", 1)
