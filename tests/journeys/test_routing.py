"""Routing through real sockets: which route takes a call, and what changes on its way there and back."""

import json
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from msgspec.structs import replace
from tests.builders import make_inbound
from tests.gates.built import always, answer, built, documents_of
from tests.hostile.scripted import Upstream
from tests.journeys.running import House, eventually, write
from tests.servers.spawn import free_port

from triplegate.config.documents_api import Match, SectionDocument
from triplegate.edge.serve import open_exchange

MATCHES = {
    "any_host": "{path: /p}",
    "wild": '{host: "*.w.test", path: /p}',
    "longer": '{host: "*.x.w.test", path: /p}',
    "host": "{host: y.x.w.test, path: /p}",
    "exact": "{path: /p/q, type: exact}",
    "prefix": "{path: /p/q}",
    "regex": '{path: "/(p|n)/[0-9]+", type: regex}',
    "method": "{path: /p/q, methods: [PUT]}",
    "header": '{path: /p/q, headers: {X-A: "1"}}',
    "headers": '{path: /p/q, headers: {X-A: "1", x-b: {regex: "[0-9]+"}}}',
    "query": '{path: /p/q, query: {q: "a b"}}',
    "old": '{path: /age, query: {b: "1"}}, created: "2026-01-01T00:00:00Z"',
    "new": '{path: /age, query: {a: "1"}}, created: "2026-02-01T00:00:00Z"',
}
"""Routes that say their name in x-route."""

CONFIGURATION = """
listeners: {inner: {port: 0}}
services:
  one: {endpoints: ["ONE"]}
  two: {endpoints: ["TWO"]}
  three: {endpoints: ["THREE"]}
  stuck: {endpoints: ["STUCK"]}
  down: {endpoints: ["http://127.0.0.1:1"]}
orgs: {acme: {teams: {web: {consumers: {ci: {}, tester: {}}}}}}
routes:
  inner: {service: one, identity: none, listeners: [inner], match: {path: /inner}}
  only: {service: one, identity: none, match: {path: /only, methods: [GET, PUT]}}
  edits:
    service: one
    identity: none
    match: {path: /edits}
    policies:
      - {use: request_headers, set: {X-Set: new}, add: {X-Add: "2"}, remove: [X-Gone]}
      - {use: response_headers, set: {x-was: edited}, remove: [x-name]}
  rewritten:
    service: one
    identity: none
    match: {path: /api}
    policies: [{use: rewrite, prefix: /v1, host: inside.test}]
  moved:
    identity: none
    match: {path: /moved}
    policies: [{use: redirect, scheme: https, hostname: new.test, prefix: /there, code: 308}]
  shared:
    identity: none
    match: {path: /shared}
    services:
      - {service: one, weight: 7, policies: [{use: request_headers, set: {x-side: first}}]}
      - {service: two, weight: 3, policies: [{use: rewrite, prefix: /second}]}
      - {service: three, weight: 0}
  fallback:
    identity: none
    match: {path: /fallback}
    services:
      - {service: down, policies: [{use: request_headers, set: {x-side: down}}]}
      - {service: two, policies: [{use: request_headers, set: {x-side: two}}]}
  browser:
    service: one
    match: {path: /browser}
    policies:
      - use: cors
        allow_origins: ["https://*.app.test"]
        allow_methods: [GET, PUT]
        allow_headers: [x-own]
        allow_credentials: true
        max_age: 1m
      - {use: key_auth}
  canary:
    service: one
    match: {path: /canary}
    policies: [{use: key_auth}, {use: canary, service: two, cookies: {side: new}, consumers: [tester]}]
  mirrored:
    service: one
    match: {path: /mirrored}
    policies: [{use: key_auth}, {use: mirror, service: two}, {use: mirror, service: three, unsafe: true}]
  shadowed:
    service: one
    identity: none
    match: {path: /shadowed}
    policies: [{use: mirror, service: stuck, concurrency: 1, queue: 1, timeout: 5s}]
  hasty:
    service: stuck
    identity: none
    match: {path: /hasty}
    policies: [{use: timeout, attempt: 300ms, total: 20s}, {use: retry, attempts: 0}]
"""


def configuration(echoes):
    text = CONFIGURATION
    for name, echo in echoes.items():
        text = text.replace(f'"{name.upper()}"', f'"{echo.url}"')
    for name, match in MATCHES.items():
        policies = f"[{{use: response_headers, set: {{x-route: {name}}}}}]"
        text += f"  {name}: {{service: one, identity: none, match: {match}, policies: {policies}}}\n"
    return text


class Echo:
    """Answers with its name and what it was sent; `stuck` ones answer when they are told to."""

    def __init__(self, name, *, stuck=False):
        self.name, self.seen, self.go = name, deque(maxlen=100), threading.Event()
        if not stuck:
            self.go.set()
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # head and body in one piece: no waiting for acknowledgements

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                told = {
                    "name": name,
                    "method": self.command,
                    "target": self.path,
                    "headers": [[key.lower(), value] for key, value in self.headers.items()],
                    "body": body.decode(),
                }
                echo.seen.append(told)
                echo.go.wait(20)
                content = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("X-Name", name)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content if self.command != "HEAD" else b"")

            def log_message(self, *args):
                """Nothing is printed."""

        for method in ("GET", "HEAD", "PUT", "POST", "OPTIONS"):
            setattr(Handler, f"do_{method}", Handler.answer)
        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


class Routed:
    """The gateway, its services and a client without a key."""

    def __init__(self, house, echoes):
        self.house, self.echoes = house, echoes
        self.keys = {name: {"authorization": f"Bearer {house.key(consumer=name)}"} for name in ("ci", "tester")}
        self.client = httpx.Client(base_url=house.url, timeout=20, trust_env=False)

    def told(self, path, method="GET", **more):
        """What the service was sent; the call must have passed."""
        got = self.client.request(method, path, **more)
        assert got.status_code == 200, got.text
        return got.json()


@pytest.fixture(scope="module")
def routed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routing")
    echoes = {name: Echo(name, stuck=name == "stuck") for name in ("one", "two", "three", "stuck")}
    write(folder, configuration(echoes))
    with House(folder) as house:
        made = Routed(house, echoes)
        yield made
        made.client.close()
    for echo in echoes.values():
        echo.close()


def field(told, name):
    return [value for key, value in told["headers"] if key == name]


# which route ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "method", "host", "path", "headers", "route"),
    [
        ("1 host before path", "GET", "y.x.w.test", "/p/q", {}, "host"),
        ("1 longest wildcard", "GET", "z.x.w.test", "/p/q", {}, "longer"),
        ("1 exact path", "GET", "any.test", "/p/q", {"x-a": "1"}, "exact"),
        ("1 longest prefix", "GET", "any.test", "/p/q/r", {}, "prefix"),
        ("1 prefix before regex", "GET", "any.test", "/p/1", {}, "any_host"),
        ("1 regex", "GET", "any.test", "/n/1", {}, "regex"),
        ("1 method", "PUT", "any.test", "/p/q/r", {"x-a": "1", "x-b": "2"}, "method"),
        ("1 one header", "GET", "any.test", "/p/q/r", {"x-a": "1", "x-b": "x"}, "header"),
        ("1 most headers", "GET", "any.test", "/p/q/r?q=a%20b", {"x-a": "1", "x-b": "22"}, "headers"),
        ("1 query", "GET", "any.test", "/p/q/r?q=a+b&q=c", {}, "query"),
        ("1 first of repeated parameters", "GET", "any.test", "/p/q/r?q=c&q=a+b", {}, "prefix"),
        ("1 oldest", "GET", "any.test", "/age?a=1&b=1", {}, "old"),
        ("2 whole elements", "GET", "any.test", "/p/qq", {}, "any_host"),
        ("2 several labels", "GET", "a.b.w.test", "/p", {}, "wild"),
        ("2 not the apex", "GET", "w.test", "/p", {}, "any_host"),
        ("5 names without case", "GET", "any.test", "/p/q/r", {"x-A": "1"}, "header"),
    ],
)
def test_semantics_1_2_and_5_the_best_of_all_matches_wins(routed, rule, method, host, path, headers, route):
    got = routed.client.request(method, path, headers={"host": host, **headers})
    assert (got.status_code, got.headers.get("x-route")) == (200, route), rule


def test_semantics_4_what_no_rule_takes_is_404_and_a_wrong_method_405(routed):
    assert routed.client.get("/nowhere").status_code == 404
    assert routed.client.get("/inner").status_code == 404  # on another listener
    wrong = routed.client.post("/only")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, PUT")


async def test_semantics_3_4_and_8_hosts_are_owned_and_broken_shares_are_500(tmp_path):
    text = "services: {{s: {{endpoints: ['{}']}}}}\nroutes: {{r: {{service: s, match: {{path: /}}, identity: none}}}}\n"
    async with Upstream(always(answer(b"ok"))) as upstream, built(tmp_path, text.format(upstream.url)) as made:
        documents = documents_of(tmp_path, text.format(upstream.url))
        route = documents.routes["r"]
        share = documents.routes["r"].shares[0]
        gone = share.model_copy(update={"service": "gone", "broken": "no such Service"})

        def kubernetes(path, host, section, *shares):
            match = Match(path=path, host=host, section=section)
            return route.model_copy(update={"match": (match,), "service": None, "services": shares})

        routes = {
            "half": kubernetes("/half", "*", "any", share.model_copy(update={"weight": 3}), gone),
            "none": kubernetes("/none", "*", "any", share.model_copy(update={"weight": 0})),
            "own": kubernetes("/own", "a.test", "own", share),
        }
        sections = {"any": SectionDocument(host="*"), "own": SectionDocument(host="a.test")}
        made.gateway.swap(made.gateway.compile(documents.model_copy(update={"routes": routes, "sections": sections})))

        async def status(path, host="b.test"):
            inbound = replace(make_inbound("GET", path), host=host)
            exchange = open_exchange(made.gateway.gate_for(path), inbound)
            reply = await made.gateway.answer(exchange.gate, exchange)
            reply.frames.close()
            exchange.close("ok")
            return reply.status

        assert Counter([await status("/half") for _ in range(40)]) == {200: 30, 500: 10}
        assert [await status("/none") for _ in range(5)] == [500] * 5
        assert await status("/own", "a.test") == 200
        assert await status("/half", "a.test") == 404  # its listener has no such rule, and no other is asked
        assert await status("/own") == 404


# what changes ---------------------------------------------------------------------------------------------------
def test_semantics_5_set_replaces_add_appends_and_remove_does_not_care_about_case(routed):
    sent = [("x-set", "1"), ("X-SET", "2"), ("x-add", "1"), ("x-gone", "1"), ("X-Gone", "2")]
    got = routed.client.get("/edits", headers=sent)
    told = got.json()
    assert (field(told, "x-set"), field(told, "x-add"), field(told, "x-gone")) == (["new"], ["1", "2"], [])
    assert (got.headers["x-was"], "x-name" in got.headers) == ("edited", False)


def test_semantics_6_prefix_and_host_are_rewritten(routed):
    told = routed.told("/api/orders/7?q=1")
    assert (told["target"], field(told, "host")) == ("/v1/orders/7?q=1", ["inside.test"])
    assert routed.told("/api")["target"] == "/v1"
    assert routed.client.get("/api2").status_code == 404


@pytest.mark.parametrize("path", ["/api/../secret", "/api/%2e%2e/secret", "/api/..%2fsecret", "/api../secret"])
def test_p13_nothing_leaves_the_place_it_is_rewritten_to(routed, path):
    before = len(routed.echoes["one"].seen)
    with httpx.Client(timeout=20, trust_env=False) as client:
        request = client.build_request("GET", routed.house.url)
        request.url = request.url.copy_with(raw_path=path.encode())
        assert client.send(request).status_code in (400, 404)
    assert len(routed.echoes["one"].seen) == before


def test_semantics_6_a_redirect_says_where_and_keeps_the_query(routed):
    got = routed.client.get("/moved/a?b=c")
    assert (got.status_code, got.headers["location"], got.content) == (308, "https://new.test/there/a?b=c", b"")
    assert routed.client.post("/moved", content=b"x" * 1000).status_code == 308


def test_rt9_calls_are_shared_by_weight_and_each_service_has_its_own_edits(routed):
    told = [routed.told("/shared/x") for _ in range(200)]
    assert Counter(one["name"] for one in told) == {"one": 140, "two": 60}
    assert {(one["name"], one["target"], *field(one, "x-side")) for one in told} == {
        ("one", "/shared/x", "first"),
        ("two", "/second/x"),
    }


def test_a_fallback_gets_the_edits_of_its_own_service(routed):
    for _ in range(4):
        told = routed.told("/fallback")
        assert (told["name"], field(told, "x-side")) == ("two", ["two"])


# browsers -------------------------------------------------------------------------------------------------------
def test_a_preflight_needs_no_key_and_a_foreign_origin_gets_nothing(routed):
    ask = {"access-control-request-method": "PUT", "access-control-request-headers": "x-own"}
    got = routed.client.options("/browser", headers={"origin": "https://x.app.test", **ask})
    told = {name: value for name, value in got.headers.items() if name.startswith("access-control-")}
    assert (got.status_code, told) == (
        204,
        {
            "access-control-allow-origin": "https://x.app.test",
            "access-control-allow-credentials": "true",
            "access-control-allow-methods": "GET, PUT",
            "access-control-allow-headers": "x-own",
            "access-control-max-age": "60",
        },
    )
    for origin in ("https://app.test", "https://evil.test", "https://x.app.test.evil", "null"):
        got = routed.client.options("/browser", headers={"origin": origin, **ask})
        assert got.status_code == 204
        assert not [name for name in got.headers if name.startswith("access-control-")]


def test_answers_and_refusals_may_be_read_on_allowed_origins(routed):
    origin = {"origin": "https://x.app.test"}
    for status, key in ((401, {}), (200, routed.keys["ci"])):
        got = routed.client.get("/browser", headers={**origin, **key})
        assert (got.status_code, got.headers["access-control-allow-origin"]) == (status, "https://x.app.test")
        assert "origin" in got.headers["vary"].lower()
    got = routed.client.get("/browser", headers={"origin": "https://evil.test", **routed.keys["ci"]})
    assert (got.status_code, "access-control-allow-origin" in got.headers) == (200, False)


# other services -------------------------------------------------------------------------------------------------
def test_a_canary_takes_who_asks_and_who_is_named(routed):
    ci, tester = routed.keys["ci"], routed.keys["tester"]
    assert {routed.told("/canary", headers=ci)["name"] for _ in range(10)} == {"one"}
    assert {routed.told("/canary", headers={**ci, "cookie": "side=new"})["name"] for _ in range(3)} == {"two"}
    assert {routed.told("/canary", headers=tester)["name"] for _ in range(3)} == {"two"}


def test_semantics_7_mirrors_get_copies_and_the_client_hears_of_the_first_service_only(routed):
    two, three = routed.echoes["two"], routed.echoes["three"]
    two.seen.clear()
    three.seen.clear()
    headers = {**routed.keys["ci"], "cookie": "sid=1", "x-own": "1"}
    assert routed.told("/mirrored?q=1", headers=headers)["name"] == "one"
    assert routed.told("/mirrored", "POST", headers=headers, content=b"content")["name"] == "one"
    eventually(lambda: len(two.seen) == 1 and len(three.seen) == 2)
    assert {one["method"] for one in two.seen} == {"GET"}  # the unsafe one only where that is said
    copy = next(one for one in three.seen if one["method"] == "POST")
    assert (copy["body"], field(copy, "x-own"), field(copy, "x-triplegate-mirror")) == ("content", ["1"], ["1"])
    assert field(copy, "cookie") == field(copy, "authorization") == []


def test_mi1_a_mirror_that_hangs_delays_nobody(routed):
    begun = time.monotonic()
    assert [routed.told("/shadowed")["name"] for _ in range(10)] == ["one"] * 10
    assert time.monotonic() - begun < 4  # the mirror answers nobody for 5 s

    def dropped():
        wanted = 'triplegate_mirror_copies_total{triplegate_policy="route:shadowed/mirror",triplegate_result="dropped"}'
        return routed.house.metrics().get(wanted)

    assert eventually(dropped) == 8
    routed.echoes["stuck"].go.set()


def test_one_attempt_has_its_own_time(routed):
    routed.echoes["stuck"].go.clear()
    got = routed.client.get("/hasty")
    routed.echoes["stuck"].go.set()
    assert (got.status_code, got.json()["status"]) == (504, 504)
