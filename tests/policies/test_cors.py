"""Browsers are told who may call: never a foreign origin."""

import pytest
from pydantic import ValidationError
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.policies.cors import Cors

LIST = ["https://app.test", "https://*.b.test", "http://c.test:8080", "https://d.test:443"]


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (b"https://app.test", True),
        (b"HTTPS://APP.TEST", True),
        (b"http://app.test", False),
        (b"https://app.test:8443", False),
        (b"https://app.test.evil", False),
        (b"https://evil-app.test", False),
        (b"https://x.b.test", True),
        (b"https://x.y.b.test", True),
        (b"https://b.test", False),
        (b"https://evilb.test", False),
        (b"https://evil.test/.b.test", False),
        (b"https://evil.test#.b.test", False),
        (b"https://evil.test@x.b.test", False),
        (b"https://x.b.test.evil", False),
        (b"https://x.b.test:1", False),
        (b"http://c.test:8080", True),
        (b"http://c.test", False),
        (b"https://d.test", True),
        (b"null", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_only_allowed_origins_are_reflected(origin, fits):
    for credentials in (False, True):
        policy = Cors(allow_origins=tuple(LIST), allow_credentials=credentials)
        assert policy.allowed(origin) == (origin if fits else None)
        assert bool(policy.preflight(origin, b"GET", b"")) is fits


def test_any_origin_is_a_star_unless_credentials_may_come():
    assert Cors(allow_origins=("*",)).headers(b"https://x.test") == [(b"access-control-allow-origin", b"*")]
    open_to_all = Cors(allow_origins=("*",), allow_credentials=True)
    assert dict(open_to_all.headers(b"https://x.test")) == {
        b"access-control-allow-origin": b"https://x.test",
        b"access-control-allow-credentials": b"true",
    }
    assert len(list(open_to_all.doubts())) == 1
    assert not list(Cors(allow_origins=("*",)).doubts())


def test_a_scheme_with_a_star_means_all_hosts_of_it():
    policy = Cors(allow_origins=("https://*",))
    assert policy.allowed(b"https://x.y") == b"https://x.y"
    assert policy.allowed(b"http://x.y") is None


@pytest.mark.parametrize(
    ("more", "methods", "names"),
    [
        ({}, b"GET, HEAD, POST", None),
        ({"allow_methods": ["PUT"], "allow_headers": ["X-A", "x-b"]}, b"PUT", b"x-a, x-b"),
        ({"allow_methods": ["*"], "allow_headers": ["*"]}, b"*", b"*"),
        ({"allow_methods": ["*"], "allow_headers": ["*"], "allow_credentials": True}, b"DELETE", b"x-q"),
    ],
)
def test_a_preflight_tells_methods_fields_and_how_long(more, methods, names):
    policy = Cors.model_validate({"allow_origins": LIST, "max_age": "10m", **more})
    told = dict(policy.preflight(b"https://app.test", b"DELETE", b"x-q"))
    assert told[b"access-control-allow-methods"] == methods
    assert told.get(b"access-control-allow-headers") == names
    assert told[b"access-control-max-age"] == b"600"


TEXT = """services: {{s: {{endpoints: ["{url}"]}}}}
routes:
  r:
    service: s
    match: {{path: /r, methods: [GET, PUT]}}
    policies: [{{use: key_auth}}, {{use: cors, allow_origins: ["https://app.test"], expose_headers: [x-a]}}]
  bare: {{service: s, match: {{path: /bare, methods: [GET]}}, policies: [{{use: key_auth}}]}}
"""
FROM = (b"origin", b"https://app.test")


def told(wire):
    return {name: value for name, value in wire.headers if name.startswith(b"access-control-") or name == b"vary"}


async def test_a_preflight_is_answered_before_anyone_is_known_though_the_route_takes_no_options(tmp_path):
    ask = [FROM, (b"access-control-request-method", b"PUT")]
    async with built(tmp_path, TEXT.format(url="http://127.0.0.1:1")) as made:
        exchange, wire = await made.serve("OPTIONS", "/r", key=False, headers=ask)
        assert (wire.status, exchange.route.name, exchange.attempts) == (204, "r", [])
        assert told(wire)[b"access-control-allow-origin"] == b"https://app.test"
        assert b"Origin" in told(wire)[b"vary"]
        foreign = [(b"origin", b"https://evil.test"), ask[1]]
        _, wire = await made.serve("OPTIONS", "/r", key=False, headers=foreign)
        assert (wire.status, set(told(wire))) == (204, {b"vary"})
        for path, lines in (("/r", ask[:1]), ("/r", ask[1:]), ("/bare", ask)):
            assert made.open("OPTIONS", path, headers=lines).refusal.code == "method_not_supported"
        ask[1] = (b"access-control-request-method", b"DELETE")
        assert made.open("OPTIONS", "/r", headers=ask).refusal.code == "method_not_supported"


async def test_refusals_may_be_read_on_allowed_origins_too(tmp_path):
    async with built(tmp_path, TEXT.format(url="http://127.0.0.1:1")) as made:
        _, wire = await made.serve("GET", "/r", key=False, headers=[FROM])
        assert (wire.status, told(wire)[b"access-control-allow-origin"]) == (401, b"https://app.test")
        _, wire = await made.serve("GET", "/r", key=False, headers=[(b"origin", b"https://evil.test")])
        assert (wire.status, told(wire)) == (401, {b"vary": b"Origin"})
        _, wire = await made.serve("GET", "/r", key=False)
        assert told(wire) == {b"vary": b"Origin"}


async def test_the_services_own_word_is_replaced(tmp_path):
    reply = answer(b"ok", b"Access-Control-Allow-Origin: *", b"Access-Control-Allow-Methods: X")
    async with Upstream(always(reply)) as upstream, built(tmp_path, TEXT.format(url=upstream.url)) as made:
        _, wire = await made.serve("GET", "/r", headers=[FROM])
    assert told(wire) == {
        b"access-control-allow-origin": b"https://app.test",
        b"access-control-expose-headers": b"x-a",
        b"vary": b"Origin",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"allow_origins": []},
        {"allow_origins": ["app.test"]},
        {"allow_origins": ["https://a.*.test"]},
        {"allow_origins": ["https://*a.test"]},
        {"allow_origins": ["https://app.test/"]},
        {"allow_origins": ["https://a.test\r\nx: y"]},
        {"allow_origins": ["*"], "allow_methods": ["get"]},
        {"allow_origins": ["*"], "allow_headers": ["a b"]},
    ],
)
def test_what_is_no_origin_is_refused(wrong):
    with pytest.raises(ValidationError):
        Cors.model_validate(wrong)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Cors.model_validate({"allow_origins": ["*"], "mode": "observe"})
