"""Which path and which host: no spelling of a guarded path gets past its guard (P-9 … P-12, I-L3, I-A5)."""

import socket
from itertools import product
from urllib.parse import unquote

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import Wire, get

from triplegate.wire.target import canonical_path

UP = r"/.. /%2e%2e /.%2e /%2E. /%252e%252e /..; /..;x=1 /..%00 /%c0%ae%c0%ae /..\ /..%5c /..%2f %2f.. /%2e%2e%2f"
UP += r" /..%252f /.%00. /%u002e%u002e /..%0d"
UP += r" /..%09 /..%20 /%e0%80%ae%e0%80%ae /...%2f.. /..? /..# /.;/.. /%ef%bc%8e%ef%bc%8e"
NAMES = "admin %61dmin adm%69n %61%64%6D%69%6e %2561dmin ADMIN Admin admin%20 admin. ad%00min ad%6%64min"
ENDS = r" / // /. /x/.. ;x %2f %00 %3bx %23 %3f \ %5c /%2e /..;/admin /../admin %2e %252f .json ~ %0a %0d%0aX-A:1"
STARTS = "/public /public/x/.. /public// /public/./ /public/%2e /PUBLIC/../public"
DIRECT = r"/ // /// /./ /.// /%2e/ /;/ /%2f \/ /\ /%5c /public/../ //public//..// /%252f /public;/../ /%ef%bc%8f /∕"

BELOW = [start + up + "/" + name for start, up, name in product(STARTS.split(), UP.split(), NAMES.split())]
ASIDE = [direct + name + end for direct, name, end in product(DIRECT.split(), NAMES.split(), ENDS.split(" "))]
ODD = [
    "http://a.test/admin",
    "http://a.test//admin",
    "http://a.test/public/../admin",
    "http://a.test/public/..%2fadmin",
    "//a.test/admin",
    "///a.test/admin",
    "admin",
    "./admin",
    "../admin",
    "?/admin",
    "/?/../admin",
    "/public?/../admin",
    "/public#/../admin",
    "/public/%2e%2e?/admin",
    "*/admin",
    "/public/..//..//admin",
    "/public/../../../admin",
    "/public/../" + "../" * 200 + "admin",
    "/public/" + "x/../" * 300 + "../admin",
    "/public" + "/." * 1000 + "/../admin",
    "/public" + "/" * 3000 + "../admin",
]
VARIANTS = BELOW + ASIDE + ODD


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with attacked(tmp_path_factory.mktemp("paths")) as made:
        yield made


def statuses(port, requests):
    """The status of each request, over as few connections as the gateway's closing allows."""
    wire, found = None, []
    for request in requests:
        wire = wire or Wire(port)
        answer = wire.send(request).answer()
        found.append(answer.status)
        if answer.one("connection") == "close":
            wire.socket.close()
            wire = None
    if wire is not None:
        wire.socket.close()
    return found


def resolved(target):
    """Where a careless service would look: all codes decoded, as often as there are some, and dots walked."""
    path = target.partition("?")[0]
    while unquote(path) != path:
        path = unquote(path)
    kept = []
    for part in path.replace("\\", "/").split("/"):
        name = part.partition(";")[0]
        if name == "..":
            kept = kept[:-1]
        elif name not in ("", "."):
            kept.append(name)
    return "/" + "/".join(kept)


def test_p12_no_spelling_of_a_guarded_path_gets_past_its_guard(gateway):
    assert len(set(VARIANTS)) >= 500
    gateway.forget()
    raw = [f"GET {variant} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode() for variant in VARIANTS]
    found = statuses(gateway.port, raw)
    assert not gateway.guarded.seen
    assert not gateway.guarded.strange
    assert set(found) <= {200, 400, 401, 404}, set(found)
    assert found.count(401) >= 20  # the plain spellings are asked for a key
    for seen in gateway.opened.take():
        path = seen.target.partition("?")[0]
        assert path == "/public" or path.startswith("/public/"), seen.target
        assert resolved(seen.target) == "/public" or resolved(seen.target).startswith("/public/"), seen.target
        assert canonical_path(path.encode()) == path.encode(), "what is sent on must have no other spelling"


def test_p12_with_a_key_the_guarded_service_is_sent_only_its_own_paths(gateway):
    gateway.forget()
    line = f"Authorization: Bearer {gateway.key}"
    raw = [f"GET {path} HTTP/1.1\r\nHost: a.test\r\n{line}\r\n\r\n".encode() for path in VARIANTS[::3]]
    statuses(gateway.port, raw)
    sent = gateway.guarded.take()
    assert sent
    for seen in sent:
        path = seen.target.partition("?")[0]
        assert path == "/admin" or path.startswith("/admin/"), seen.target
        assert resolved(seen.target) == "/admin" or resolved(seen.target).startswith("/admin/"), seen.target
    assert all(gateway.key.encode() not in seen.raw for seen in sent + gateway.opened.take())


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/public/%7Euser", "/public/~user"),
        ("/public/%c3%a9", "/public/%C3%A9"),
        ("/public//a///b", "/public/a/b"),
        ("/public/./a/../b", "/public/b"),
        ("/public/a/..", "/public/"),
        ("/public/%20", "/public/%20"),
        ("/public/{a}|b", "/public/%7Ba%7D%7Cb"),
        ("/public?a=%2F..%2f&b={}&c=a;b", "/public?a=%2F..%2f&b={}&c=a;b"),
        ("/public/?", "/public/"),
        ("/public/a:b@c,d", "/public/a:b@c,d"),
    ],
)
def test_p12_the_service_gets_the_one_spelling(gateway, given, sent):
    assert gateway.passes(get(given)).target == sent


@pytest.mark.parametrize(
    "target",
    [
        "/public\\x",
        "/public/%zz",
        "/public/%",
        "/public/%4",
        "/public/%00",
        "/public?%zz",
        "/public?a\\b",
        "/public?%00",
        "/public/é",
        "/public?é",
        "/public/%2f",
        "/public/%5C",
        "/public/%3b",
        "/public/;x",
        "/public/%25",
        "/public/%3f",
        "/public/%23",
        "/public/%ff",
        "/public/%c0%af",
        "/../public",
        "public",
        "*",
        "",
        "/public/\x7f",
        "/public?\x01",
    ],
)
def test_p11_a_target_with_two_readings_is_refused(gateway, target):
    gateway.refuses(f"GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode("latin-1"))


def test_p11_the_asterisk_is_only_for_options(gateway):
    with Wire(gateway.port) as wire:
        assert wire.send(get("*", method="OPTIONS")).answer().status == 404
        assert wire.send(get("/public")).answer().status == 200


# P-10: Host -------------------------------------------------------------------------------------------------------
HOSTS = {
    "none": [],
    "empty": ["Host:"],
    "two equal": ["Host: a.test", "Host: a.test"],
    "two": ["Host: a.test", "Host: b.test"],
    "two spellings": ["Host: a.test", "hOST: b.test"],
    "two, one empty": ["Host: a.test", "Host:"],
    "underscore": ["Host: a.test", "Ho_st: b.test"],
    "space before the colon": ["Host : a.test"],
    "folded": ["Host: a.test\r\n b.test"],
    **{
        value: [f"Host: {value}"]
        for value in (
            "a.test/admin",
            "a.test/",
            "a.test#x",
            "a.test?x",
            "a.test@b.test",
            "u:p@a.test",
            "a.test b.test",
            "a.test,b.test",
            "a.test\tb",
            "a.test:",
            "a.test:0",
            "a.test:65536",
            "a.test:8x",
            "a.test:-1",
            "a.test:80:80",
            "[::1",
            "[::1]]",
            "[::g]",
            "[1.2.3.4]",
            "[fe80::1%25eth0]",
            "::1",
            "1.2.3",
            "0x7f.1",
            "127.1",
            "999.1.1.1",
            "a..test",
            ".a.test",
            "a.test..",
            "-a.test",
            "a_.-test",
            "\xe9.test",
            "a%2etest",
            "a.test%00",
            "http://a.test",
            "a\\b",
            "<a>",
            '"a.test"',
            "a" * 64 + ".test",
            ".".join(["a" * 60] * 5),
            "a" * 10_000,
            "a." * 5_000,
        )
    },
}


@pytest.mark.parametrize("target", ["/public", "/admin", "/v1/models", "/mcp", "/"])
def test_p10_a_host_that_is_none_is_refused_on_every_route(gateway, target):
    """I-L3 (CVE-2026-48710): nothing reads a path or an identity out of Host."""
    gateway.forget()
    for name, lines in HOSTS.items():
        with Wire(gateway.port) as wire:
            answer = wire.send(get(target, *lines, host=None)).answer()
            assert (answer.status, answer.one("connection")) == (400, "close"), name
            assert wire.closed(), name
    assert gateway.untouched()


@pytest.mark.parametrize(
    ("value", "authority"),
    [
        ("A.TEST", "a.test"),
        ("a.test.", "a.test"),
        ("a.test:8080", "a.test:8080"),
        ("[::1]:80", "[::1]:80"),
        ("[0:0::1]", "[::1]"),
        ("127.0.0.1", "127.0.0.1"),
        ("_dmarc.a.test", "_dmarc.a.test"),
    ],
)
def test_p10_the_service_hears_of_one_spelling_of_the_host(gateway, value, authority):
    seen = gateway.passes(get("/public", host=value))
    assert seen.all("x-forwarded-host") == [authority]
    assert seen.all("host") == [f"127.0.0.1:{gateway.opened.port}"]


@pytest.mark.parametrize(
    "line",
    [
        "X-Forwarded-Host: b.test",
        "X-Host: b.test",
        "Forwarded: host=b.test",
        "X-Original-Host: b.test",
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
        "X-Forwarded-Prefix: /admin",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Server: b.test",
        "X-Forwarded-Port: 1",
        "X-Forwarded-Scheme: https",
        "X-Forwarded-Ssl: on",
    ],
)
def test_p28_no_field_changes_host_or_path(gateway, line):
    seen = gateway.passes(get("/public", line))
    assert seen.target == "/public"
    assert b"b.test" not in seen.raw
    assert b"/admin" not in seen.raw
    assert seen.all("x-forwarded-proto") == ["http"]


def test_the_gateway_still_serves_after_all_of_this(gateway):
    assert gateway.house.process.poll() is None
    socket.create_connection(("127.0.0.1", gateway.house.admin_port), timeout=5).close()
    assert gateway.passes(get("/public")).target == "/public"
