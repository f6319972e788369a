"""The api gate: which route, what goes out, what becomes of failures."""

import json

import pytest
from tests.gates.built import always, built, documents_of
from tests.hostile.scripted import Upstream

from triplegate.config.documents_api import Match, SectionDocument
from triplegate.core.errors import Refusal

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def text(*endpoints, route="policies: [{use: key_auth}]", service=""):
    services = "".join(f'  s{n}: {{endpoints: ["{url}"]{service}}}\n' for n, url in enumerate(endpoints))
    chosen = ", ".join(f"{{service: s{n}}}" for n in range(len(endpoints)))
    return f"services:\n{services}routes: {{r: {{services: [{chosen}], match: {{path: /r}}, owner: web, {route}}}}}\n"


CLOSED = "http://127.0.0.1:1"


async def test_a_call_goes_out_and_its_answer_comes_back(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url)) as made:
        exchange, wire = await made.serve("GET", "/r/x")
        assert (wire.status, wire.content, exchange.outcome) == (200, b"ok", "ok")
        assert upstream.talks[0].received.startswith(b"GET /r/x HTTP/1.1\r\n")
        assert made.key.encode() not in upstream.talks[0].received
        (record,) = made.records
        assert (record.route, record.target, record.consumer, record.outcome) == ("r", "s0", "ci", "ok")


async def test_what_no_route_takes_is_404_and_a_wrong_method_405(tmp_path):
    routes = """services: {s: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  r: {service: s, match: [{path: /r, methods: [GET]}, {path: /r, methods: [PUT], headers: {x-a: b}}], identity: none}
"""
    async with built(tmp_path, routes) as made:
        assert made.open("GET", "/nowhere").refusal.code == "route_not_found"
        wrong = made.open("DELETE", "/r").refusal
        assert (wrong.code, wrong.headers) == ("method_not_supported", [(b"allow", b"GET, PUT")])
        # the method is one that a route takes, its headers are not: then it is not the method that is wrong
        assert made.open("PUT", "/r").refusal.code == "route_not_found"


async def test_a_share_of_which_nothing_is_ready_is_503(tmp_path):
    async with built(tmp_path, text(CLOSED)) as made:
        documents = documents_of(tmp_path, text(CLOSED))
        route = documents.routes["r"]
        away = route.services[0].model_copy(update={"broken": "none is ready", "empty": True})
        changed = documents.model_copy(update={"routes": {"r": route.model_copy(update={"services": (away,)})}})
        made.gateway.swap(made.gateway.compile(changed))
        exchange, wire = await made.serve("GET", "/r")
        assert (wire.status, exchange.refusal.code, exchange.outcome) == (503, "no_endpoint", "failed")
        assert exchange.attempts == [] or exchange.attempts[0].target.name == "s0"


async def test_a_share_that_leads_nowhere_is_500_and_the_others_are_called(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url, upstream.url)) as made:
        documents = documents_of(tmp_path, text(upstream.url, upstream.url))
        route = documents.routes["r"]
        gone = route.services[1].model_copy(update={"service": "gone", "broken": "no Service gone"})
        for services, expected in (((route.services[0], gone), [200, 500] * 3), ((gone,), [500] * 6)):
            changed = route.model_copy(update={"services": services})
            made.gateway.swap(made.gateway.compile(documents.model_copy(update={"routes": {"r": changed}})))
            ended = [await made.serve("GET", "/r") for _ in range(6)]
            assert sorted(wire.status for _, wire in ended) == sorted(expected)
        exchange, wire = ended[-1]
        assert (exchange.refusal.code, exchange.refusal.reason) == ("no_backend", "no Service gone")
        assert b"gone" not in wire.content


async def test_a_section_owns_its_hosts_and_nothing_else_answers_there(tmp_path):
    async with built(tmp_path, text(CLOSED)) as made:
        documents = documents_of(tmp_path, text(CLOSED))
        sections = {"web": SectionDocument(listeners=("data",), host="a.test")}
        match = Match(path="/owned", section="web")
        owned = documents.routes["r"].model_copy(update={"match": (match,)})
        changed = {"routes": {**documents.routes, "owned": owned}, "sections": sections}
        snapshot = made.gateway.compile(documents.model_copy(update=changed))
        assert snapshot.hash != made.gateway.snapshot.hash
        made.gateway.swap(snapshot)
        assert made.open("GET", "/owned/x").route.name == "owned"
        assert made.open("GET", "/r").route.name == "r"
        assert made.open("GET", "/").refusal.code == "route_not_found"  # the index is not shown there


async def test_a_route_is_reachable_on_its_listeners_only(tmp_path):
    for listeners, code in (("data, inner", None), ("inner", "route_not_found")):
        route = f"policies: [{{use: key_auth}}], listeners: [{listeners}]"
        listening = "listeners: {inner: {port: 0}}\n"
        async with built(tmp_path, text(CLOSED, route=route) + listening) as made:
            refusal = made.open("GET", "/r").refusal
            assert (refusal.code if refusal else None) == code


async def test_of_two_routes_that_match_alike_the_older_one_wins(tmp_path):
    routes = """services: {s: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  a: {service: s, match: {path: /r, headers: {x-a: "1"}}, identity: none, created: "2026-02-01T00:00:00Z"}
  b: {service: s, match: {path: /r, headers: {x-b: "1"}}, identity: none, created: "2026-01-01T00:00:00Z"}
"""
    async with built(tmp_path, routes) as made:
        assert made.open("GET", "/r", headers=[(b"x-a", b"1"), (b"x-b", b"1")]).route.name == "b"


async def test_the_front_door_says_where_everything_is_unless_a_route_takes_it(tmp_path):
    async with built(tmp_path, text(CLOSED)) as made:
        _, wire = await made.serve("GET", "/", key=False)
        assert (wire.status, wire.content) == (200, b"where")
        assert made.open("POST", "/").refusal.code == "route_not_found"
        made.take(text(CLOSED).replace("path: /r", "path: /"))
        assert made.open("GET", "/").route.name == "r"


async def test_another_service_answers_when_one_is_down(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(CLOSED, upstream.url)) as made:
        for _ in range(4):
            exchange, wire = await made.serve("POST", "/r")
            assert (wire.status, exchange.target) == (200, "s1")


async def test_a_failed_answer_of_a_call_that_may_have_had_effects_is_not_tried_elsewhere(tmp_path):
    broken = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    async with (
        Upstream(always(broken)) as one,
        Upstream(always(broken)) as other,
        built(tmp_path, text(one.url, other.url)) as made,
    ):
        exchange, wire = await made.serve("POST", "/r")
        assert (wire.status, len(exchange.attempts), exchange.outcome) == (503, 1, "failed")
        exchange, wire = await made.serve("GET", "/r")
        assert (wire.status, len({attempt.target.name for attempt in exchange.attempts})) == (503, 2)


async def test_a_priced_call_has_an_intent_and_one_final_and_no_answer_costs_nothing(tmp_path):
    route = "price: 0.5, policies: [{use: key_auth}]"
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url, route=route)) as made:
        await made.serve("GET", "/r")
        intent, final = made.records
        assert [(one.kind, one.part) for one in made.records] == [("intent", 0), ("final", 1)]
        assert (intent.own_cost, final.cost, final.list_cost) == (5_000_000_000,) * 3
        assert final.price_version.startswith("api/r@own#")
    async with built(tmp_path, text(CLOSED, route=route)) as made:
        exchange, reply = await made.answer("GET", "/r")
        exchange.close("failed")
        assert reply.status == 502
        assert [(one.kind, one.cost, one.list_cost) for one in made.records][1:] == [("final", 0, 0)]


async def test_bytes_and_what_the_service_counts_are_charged_when_the_call_ends(tmp_path):
    route = "price: {call: 0.5, mb: 1000, units: {rows: 2}, units_from: x-rows}, policies: [{use: key_auth}]"
    counted = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Rows: rows=3\r\n\r\n123456"
    async with Upstream(always(counted)) as upstream, built(tmp_path, text(upstream.url, route=route)) as made:
        await made.serve("POST", "/r", body=b"1234")
        intent, final = made.records
        assert intent.own_cost == 5_000_000_000
        moved = final.bytes_in + final.bytes_out
        assert moved >= 6
        assert json.loads(final.tool_units) == {"bytes": moved, "rows": 3}
        assert final.cost == final.list_cost == 5_000_000_000 + moved * 10_000_000 + 3 * 20_000_000_000
    async with built(tmp_path, text(CLOSED, route=route)) as made:
        exchange, _ = await made.answer("GET", "/r")
        exchange.close("failed")
        assert made.records[-1].cost == 0


async def test_a_services_own_limit_is_taken_though_the_route_has_none(tmp_path):
    limit = ", policies: [{use: rate_limit, name: own, requests: 1, window: 1h}]"
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url, service=limit)) as made:
        assert (await made.serve("GET", "/r"))[1].status == 200
        _, wire = await made.serve("GET", "/r")
        assert (wire.status, len(upstream.talks)) == (429, 1)
        assert int(wire.field(b"retry-after")) > 3000


async def test_what_one_of_several_services_forbids_is_forbidden(tmp_path):
    async with Upstream(always(OK)) as upstream:
        guarded = text(upstream.url, upstream.url).replace('"]}\n', '"], policies: [{use: access, teams: [ops]}]}\n', 1)
        async with built(tmp_path, guarded) as made:
            statuses = [(await made.serve("GET", "/r"))[1].status for _ in range(4)]
    assert statuses == [403] * 4
    assert upstream.talks == []


async def test_refusals_are_problems(tmp_path):
    async with built(tmp_path, text(CLOSED)) as made:
        exchange, wire = await made.serve("GET", "/r", key=False)
        assert (wire.status, json.loads(wire.content)["status"]) == (401, 401)
        assert exchange.outcome == "refused"
        assert made.records == []  # nobody was known


async def test_a_call_in_circles_is_refused(tmp_path):
    async with built(tmp_path, text(CLOSED)) as made:
        _, wire = await made.serve("GET", "/r", headers=[(b"via", b"1.1 triplegate, 1.1 triplegate")])
        assert wire.status == 508


def test_refusals_know_their_place():
    assert Refusal("loop_detected").status == 508
    with pytest.raises(KeyError):
        _ = Refusal("no such code").status


async def test_an_open_breaker_spares_the_service_and_stays_open_over_reloads(tmp_path):
    broken = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    rules = ", policies: [{use: breaker, failures: 3, open_for: 60s}]"
    async with Upstream(always(broken)) as upstream, built(tmp_path, text(upstream.url, service=rules)) as made:
        assert [(await made.serve("GET", "/r"))[1].status for _ in range(3)] == [500, 500, 500]
        asked = sum(talk.received.count(b"GET /r") for talk in upstream.talks)
        for number in range(100):
            made.take(
                text(upstream.url, service=rules).replace(
                    "owner: web", f"owner: web, records: {'each' if number % 2 else 'rollup'}"
                )
            )
            exchange, wire = await made.serve("GET", "/r")
            assert (wire.status, exchange.refusal.code) == (503, "upstream_open")
            assert exchange.refusal.retry_after > 50
        assert sum(talk.received.count(b"GET /r") for talk in upstream.talks) == asked


async def test_where_a_breaker_is_open_another_service_is_called(tmp_path):
    rules = ", policies: [{use: breaker, failures: 1, open_for: 60s}]"
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(CLOSED, upstream.url, service=rules)) as made:
        for _ in range(6):
            exchange, wire = await made.serve("POST", "/r")
            assert (wire.status, exchange.target) == (200, "s1")
        tried = [attempt.target.name for attempt in exchange.attempts if attempt.error_class != "open"]
        assert tried == ["s1"]


@pytest.mark.parametrize(("attempts", "seen"), [(0, 1), (2, 3)])
async def test_each_of_several_services_says_itself_how_it_is_tried_again(tmp_path, attempts, seen):
    busy = b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    service = f", policies: [{{use: retry, attempts: {attempts}, on: [429]}}]"
    async with Upstream(always(busy)) as upstream:
        written = text(upstream.url, CLOSED, service=service).replace("{service: s1}", "{service: s1, weight: 0}")
        async with built(tmp_path, written) as made:
            exchange, wire = await made.serve("GET", "/r")
    assert (wire.status, len(exchange.attempts)) == (429, seen)


async def test_a_limit_that_only_observes_refuses_nobody_and_is_shown(tmp_path):
    limit = "{use: rate_limit, requests: 1, window: 1h, mode: observe}"
    seen = []
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url, route=f"policies: [{{use: key_auth}}, {limit}]")) as made,
    ):
        for _ in range(3):
            exchange, wire = await made.serve("GET", "/r")
            seen.append((wire.status, wire.field(b"ratelimit"), exchange.decisions))
    would = [("route:r/rate_limit", "would refuse", "quota_exceeded")]
    assert seen == [(200, None, []), (200, None, would), (200, None, would)]


async def test_every_limit_of_one_route_counts_and_the_tightest_is_told(tmp_path):
    limits = "{use: rate_limit, requests: 100, window: 1m}, {use: rate_limit, requests: 2, window: 1h}"
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url, route=f"policies: [{{use: key_auth}}, {limits}]")) as made,
    ):
        _, first = await made.serve("GET", "/r")
        await made.serve("GET", "/r")
        exchange, last = await made.serve("GET", "/r")
    assert first.field(b"ratelimit-policy") == b'"rate_limit";q=2;w=3600'
    assert (last.status, exchange.refusal.policy) == (429, "route:r/rate_limit#2")


async def test_a_limit_of_one_name_is_one_allowance_wherever_it_stands(tmp_path):
    limit = "{use: rate_limit, name: shared, requests: 3, window: 1h}"
    async with Upstream(always(OK)) as upstream:
        written = f"""services: {{s: {{endpoints: ["{upstream.url}"]}}}}
gateway: {{policies: [{{use: key_auth}}, {limit}]}}
routes:
  a: {{service: s, match: {{path: /a}}, policies: [{limit}]}}
  b: {{service: s, match: {{path: /b}}}}
"""
        async with built(tmp_path, written) as made:
            statuses = [(await made.serve("GET", path))[1].status for path in ("/a", "/b", "/a", "/b")]
    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(("place", "status"), [("plans", 403), ("teams", 403), ("neither", 200)])
async def test_policies_of_plan_and_team_hold_on_every_route(tmp_path, place, status):
    guard = "policies: [{use: access, roles: [boss]}]"
    plan = f"{{{guard}}}" if place == "plans" else "{}"
    team = f"{guard}, " if place == "teams" else ""
    people = f"orgs: {{acme: {{teams: {{web: {{{team}plan: p, consumers: {{ci: {{}}}}}}}}}}}}\nplans: {{p: {plan}}}\n"
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url) + people) as made:
        _, wire = await made.serve("GET", "/r")
    assert wire.status == status


async def test_an_access_policy_that_only_observes_lets_pass_and_is_shown(tmp_path):
    guard = "{use: access, teams: [ops], mode: observe}"
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url, route=f"policies: [{{use: key_auth}}, {guard}]")) as made,
    ):
        exchange, wire = await made.serve("GET", "/r")
    assert (wire.status, exchange.decisions) == (200, [("route:r/access", "would refuse", "forbidden")])
