"""Which fields go on: no hop-by-hop one, no claim about who calls, nothing that overrules the request (P-1, P-2)."""

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import OK, Wire, ask, get, post

OURS = {"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via", "x-request-id", "traceparent"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with attacked(tmp_path_factory.mktemp("fields")) as made:
        yield made


def test_a_bare_request_is_sent_on_with_our_fields_alone(gateway):
    seen = gateway.passes(get("/public"))
    assert {name for name, _ in seen.headers} == OURS
    assert len(seen.headers) == len(OURS)


# P-1 and P-2: one connection's own fields -----------------------------------------------------------------
HOPS = [
    "Connection: close",
    "Connection: keep-alive, x-private",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic eDp5",
    "Proxy-Authenticate: Basic",
    "TE: trailers",
    "TE: gzip;q=0.5, trailers",
    "Trailer: X-Late",
    "Upgrade: h2c",
    "Upgrade: foo/1",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "Connection: x-private\r\nX-Private: secret",
    "Connection: X-PRIVATE , close\r\nx-private: secret\r\nX-Private: again",
    "Connection: close\r\nConnection: x-private\r\nX-Private: secret",
    "Connection: ,,x-private,,\r\nX-Private: secret",
    "Expect: 100-continue",
]


@pytest.mark.parametrize("lines", HOPS)
def test_p1_fields_of_one_connection_end_here(gateway, lines):
    gateway.forget()
    answer = ask(gateway.port, get("/public", lines, "X-Own: 1"))
    assert answer.status == 200
    (seen,) = gateway.opened.take()
    assert {name for name, _ in seen.headers} == OURS | {"x-own"}
    assert seen.all("x-own") == ["1"]
    assert not gateway.opened.strange


PROTECTED = [
    "Authorization", "Host", "Cookie", "Cache-Control", "Content-Length", "Content-Type", "X-Forwarded-For",
    "X-Forwarded-Proto", "Forwarded", "Via", "X-Request-Id", "Traceparent", "X-Api-Key", "Mcp-Session-Id",
    "X-Triplegate-Overhead-Ms", "Range", "If-Match", "Origin", "Accept", "X-Real-Ip", "Anthropic-Version",
]  # fmt: skip


@pytest.mark.parametrize("form", ["{}", "close, {}", "{} ,keep-alive", "x-own,\t{}"])
@pytest.mark.parametrize("name", PROTECTED)
def test_p2_a_field_that_somebody_relies_on_cannot_be_made_to_vanish(gateway, name, form):
    """CVE-2024-45410."""
    gateway.refuses(get("/public", "Connection: " + form.format(name)))


# I-A4: who the gateway says it is ------------------------------------------------------------------------------------
CLAIMS = [
    "X-Triplegate-Consumer: root",
    "x-triplegate-team: acme",
    "X-TRIPLEGATE-USER: root",
    "X-Triplegate-: root",
    "X-Forwarded-For: 6.6.6.6",
    "x-forwarded-for: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.7",
    "X-Forwarded-By: root",
    "X-Real-IP: 6.6.6.6",
    "True-Client-IP: 6.6.6.6",
    "X-Client-IP: 6.6.6.6",
    "X-Cluster-Client-IP: 6.6.6.6",
    "Forwarded: for=6.6.6.6;by=root",
    "Traceparent: root",
    "X-Request-Id: root with blanks",
    "X-Request-Id: " + "root" * 100,
]


@pytest.mark.parametrize("line", CLAIMS)
def test_ia4_a_clients_word_about_itself_reaches_nobody(gateway, line):
    seen = gateway.passes(get("/public", line))
    assert b"root" not in seen.raw
    assert b"6.6.6." not in seen.raw
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert len(seen.all("x-request-id")) == len(seen.all("traceparent")) == 1


@pytest.mark.parametrize(
    "name",
    ["X_Triplegate_User", "X-Triplegate_User", "X_Forwarded_For", "X_Real_IP", "X-Request_Id", "_", "Authorization_"],
)
def test_ia4_a_spelling_that_cgi_takes_for_the_same_is_refused(gateway, name):
    gateway.refuses(get("/public", f"{name}: root"))


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Content-Type", "Origin"])
@pytest.mark.parametrize("target", ["/public", "/admin", "/v1/models", "/mcp"])
def test_p34_of_a_field_that_is_judged_there_is_one(gateway, name, target):
    """CVE-2026-26308: the one that was judged and the one that is used could be two."""
    gateway.refuses(get(target, f"{name}: a", f"{name.upper()}: b"))


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x-http-METHOD"])
def test_p32_a_method_is_what_the_first_line_says(gateway, name):
    seen = gateway.passes(get("/public", f"{name}: DELETE"))
    assert (seen.method, {key for key, _ in seen.headers}) == ("GET", OURS)


def test_p32_a_method_is_never_read_from_query_or_form(gateway):
    assert gateway.passes(post("/public?_method=DELETE", b"_method=DELETE")).method == "POST"


def test_all_cookies_are_one_field_and_other_repeats_stay(gateway):
    seen = gateway.passes(get("/public", "Cookie: a=1", "X-Own: 1", "Cookie: b=2", "X-Own: 2"))
    assert (seen.all("cookie"), seen.all("x-own")) == (["a=1; b=2"], ["1", "2"])


def test_values_are_sent_on_byte_by_byte(gateway):
    seen = gateway.passes(get("/public", 'X-Own:  J\xfcrgen\t\xff;a="b, c"  '))
    assert seen.all("x-own") == ['J\xfcrgen\t\xff;a="b, c"']


# P-28: loops ------------------------------------------------------------------------------------------------
def test_p28_a_request_that_came_by_twice_is_a_loop(gateway):
    assert gateway.passes(get("/public", "Via: 1.1 triplegate")).all("via") == ["1.1 triplegate, 1.1 triplegate"]
    gateway.forget()
    for lines in (["Via: 1.1 triplegate, 2 x, 1.1 triplegate"], ["Via: 1.1 triplegate", "Via: 1.1  triplegate (c)"]):
        assert ask(gateway.port, get("/public", *lines)).status == 508
    assert gateway.untouched()


# P-15: expectations -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["200-ok", "100-continue, x", "", "x-own", "100_continue"])
def test_p15_an_unknown_expectation_is_417(gateway, value):
    gateway.refuses(get("/public", f"Expect: {value}", "Content-Length: 5", method="POST"), 417)


# P-33: limits, just under and just over -----------------------------------------------------------------------
def test_p33_a_target_has_8192_bytes_and_no_more(gateway):
    assert len(gateway.passes(get("/public/" + "a" * 8184)).target) == 8192
    gateway.refuses(get("/public/" + "a" * 8185), 414)
    gateway.refuses(get("/public?" + "a" * 8185), 414)
    assert ask(gateway.port, get("/public/" + "%41" * 2728)).status == 200  # counted as it came: 8192


def test_p33_a_head_has_64_kib_and_no_more(gateway):
    room = 65536 - len("hosta.test") - len("x")
    assert len(gateway.passes(get("/public", "X: " + "a" * room)).all("x")[0]) == room
    gateway.refuses(get("/public", "X: " + "a" * (room + 1)), 431)
    gateway.refuses(get("/public", *[f"X: {'a' * 9000}"] * 8), 431)


def test_p33_a_head_has_100_fields_and_no_more(gateway):
    assert len(gateway.passes(get("/public", *["X: 1"] * 99)).all("x")) == 99
    gateway.refuses(get("/public", *["X: 1"] * 100), 431)


def test_p33_a_body_has_its_limit_and_no_more(gateway):
    assert len(gateway.passes(post("/public", b"x" * 200_000)).body) == 200_000
    gateway.forget()
    begun = gateway.opened.begun
    for size in (200_001, 10**12, 2**63 - 1):
        answer = ask(gateway.port, get("/public", f"Content-Length: {size}", method="POST"))
        assert (answer.status, answer.one("connection")) == (413, "close")
    assert gateway.opened.begun == begun  # nobody was told that it comes


def test_p33_a_body_without_a_length_is_cut_at_the_limit(gateway):
    gateway.forget()
    chunk = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)
    head = b"POST /public HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert ask(gateway.port, head + chunk * 5 + b"0\r\n\r\n").status == 413
    gateway.opened.wait(lambda: gateway.opened.seen)
    (seen,) = gateway.opened.take()
    assert not seen.complete
    assert len(seen.body) <= 200_000


# P-18: a kept connection that has ended -----------------------------------------------------------------------
def test_p18_a_service_that_closes_between_calls_costs_no_get_and_repeats_no_post(gateway):
    gateway.forget()

    def once(seen, connection):
        connection.sendall(OK)
        return True  # closes, although it promised to keep the connection

    gateway.opened.say = once
    try:
        with Wire(gateway.port) as wire:
            assert {wire.send(get(f"/public/{n}")).answer().status for n in range(200)} == {200}
            posts = [wire.send(post(f"/public/post{n}", b"once")).answer().status for n in range(100)]
    finally:
        gateway.opened.say = gateway.opened.fine
    assert set(posts) <= {200, 502}
    sent = [seen.target for seen in gateway.opened.take() if seen.method == "POST"]
    assert len(sent) == len(set(sent))
