"""From routes and services as written to what serves."""

from tests.gates.built import Built, built

from triplegate.core.errors import Refusal

TEXT = """
services:
  a: {endpoints: ["http://127.0.0.1:1"], policies: [{use: rate_limit, name: own, requests: 5, window: 1m}]}
  b: {endpoints: ["http://127.0.0.1:1"]}
routes:
  priced: {service: a, match: {path: /a}, price: 0.0001, owner: web, records: each, policies: [{use: key_auth}]}
  open:
    services: [{service: a, weight: 2}, {service: b, weight: 1}]
    match: [{path: /o, methods: [GET], headers: {x-a: "1"}}, {path: /p, type: exact, host: "*.test"}]
    owner: web
    identity: none
"""


def route(made: Built, path, **more):
    return made.open("GET", path, **more).route


async def test_a_route_knows_owner_price_records_and_where_it_was_written(tmp_path):
    async with built(tmp_path, TEXT) as made:
        found = route(made, "/a")
        assert (found.name, found.gate, found.owner, found.records) == ("priced", "api", "web", "each")
        assert found.price.call == 1_000_000
        assert found.billed
        assert found.origin.startswith("triplegate.yaml:6:")
        assert found.anonymous is None


async def test_several_services_keep_weights_and_own_limits(tmp_path):
    async with built(tmp_path, TEXT) as made:
        found = route(made, "/p")
        assert [(target.name, weight) for target, weight in found.targets] == [("a", 2), ("b", 1)]
        assert [policy.use for policy in found.targets[0][0].claimants] == ["rate_limit"]
        assert found.targets[1][0].claimants == ()
        assert not found.billed
        assert (found.anonymous.consumer, found.anonymous.team_ref) == ("anonymous", "acme/web")


async def test_every_match_of_a_route_leads_to_it(tmp_path):
    async with built(tmp_path, TEXT) as made:
        assert route(made, "/o/deep", headers=[(b"x-a", b"1")]).name == "open"
        assert route(made, "/o") is None
        assert route(made, "/p").name == "open"
        assert route(made, "/p/deep") is None


async def test_matches_become_rules_with_all_they_say(tmp_path):
    text = """services: {a: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  r:
    service: a
    identity: none
    created: "2026-01-01T00:00:00Z"
    listeners: [data]
    match:
      - {name: first, path: /orders/.+, type: regex, methods: [GET]}
      - {headers: {x-a: {regex: "[0-9]"}, x-b: é}, query: {q: "ü", r: {regex: "."}}}
"""
    async with built(tmp_path, text) as made:
        first, second = made.gateway.snapshot.gates["api"]._matcher.rules
    assert (first.name, first.pattern.fullmatch("/orders/1") is None, first.methods) == ("first", False, {"GET"})
    assert (first.created, first.listeners, second.name) == (1767225600.0, {"data"}, "")
    (_, digits), exact = second.headers
    assert (digits.fullmatch("7") is None, exact) == (False, (b"x-b", b"\xe9"))
    (name, value), (other, any_one) = second.query
    assert (name, value, other, any_one.fullmatch("x") is None) == ("q", "ü", "r", False)


async def test_services_at_one_address_share_their_connections_over_reloads(tmp_path):
    async with built(tmp_path, TEXT) as made:

        def pools():
            return {target.wiring.group.endpoints[0].pool for target, _ in route(made, "/p").targets}

        before = pools()
        made.take(TEXT + "gateway: {policies: [{use: timeout, total: 3s}]}\n")
        assert len(before) == 1
        assert pools() == before


async def test_a_route_tells_problems_in_its_own_style(tmp_path):
    text = TEXT + "gateway: {problems: {base: https://errors.acme.test, members: {support: us}}}\n"
    text = text.replace(
        "identity: none", "identity: none\n    problems: {templates: {text/html: '<b>{status}</b>'}}", 1
    )
    async with built(tmp_path, text) as made:

        def refused(path, code):
            exchange = made.open("GET", path)
            return exchange.gate.refuse(exchange, Refusal(code))

        own = refused("/p", "overloaded")
        assert (own.status, await anext(own.frames)) == (503, b"<b>503</b>")
        assert (b"content-type", b"text/html; charset=utf-8") in own.headers
        common = refused("/a", "forbidden")
        assert b'"type":"https://errors.acme.test/forbidden"' in (shown := await anext(common.frames))
        assert b'"support":"us"' in shown
        unmatched = refused("/nowhere", "route_not_found")
        assert b'"support":"us"' in await anext(unmatched.frames)
