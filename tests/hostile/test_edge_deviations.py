"""Each row of docs/deviations.md, as a running gateway really behaves; no row without a test, no test without a row."""

import time
from pathlib import Path

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import Wire, get
from tests.journeys.running import eventually, records

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deviations.md"
POST = b"POST /public HTTP/1.1\r\nHost: a.test\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HANDSHAKE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
BIG = 200_000_000
TESTED = set()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    limits = "body_idle: 1s, header_timeout: 1s, write_idle: 700ms"
    with attacked(tmp_path_factory.mktemp("deviations"), limits) as made:
        yield made


@pytest.fixture
def touched(gateway):
    """The gateway, with all that came before forgotten."""
    gateway.forget()
    return gateway


def row(case):
    """The test shows what the page says in this row."""
    TESTED.add(case)
    return lambda test: test


def framing(seen):
    return [line for line in seen.headers if line[0] in ("content-length", "transfer-encoding", "trailer")]


ELSEWHERE = {
    "The fields of a 101": "test_the_service_sees_one_hop_and_its_choice_of_subprotocol_is_passed_on",
    "A WebSocket message above `max_message`": "test_messages_that_are_too_large_end_both_sides",
    "A WebSocket client that leaves without a word": "test_a_client_that_leaves_without_a_word_ends_the_service_s_side",
    "Silence of a WebSocket client": "test_silence_ends_both_sides",
}
"""Rows that need a service which speaks WebSocket: the journeys show them."""


def test_the_page_has_the_rows_that_are_tested_here():
    journeys = (PAGE.parents[1] / "tests" / "journeys" / "test_websocket.py").read_text()
    assert all(f"def {name}(" in journeys for name in ELSEWHERE.values())
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    cases = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    assert len(cases) == len(set(cases))
    assert set(cases) == TESTED | set(ELSEWHERE)


@row("`Content-Length` together with `Transfer-Encoding: chunked`")
def test_chunks_win_over_a_length_and_the_connection_ends(touched):
    head = POST + b"Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Wire(touched.port) as wire:
        assert wire.send(head + b"3\r\nabc\r\n0\r\n\r\n" + get("/public/2")).answer().status == 200
        assert wire.closed()
    (seen,) = touched.opened.take()
    assert (framing(seen), seen.body) == ([("transfer-encoding", "chunked")], b"abc")


@row("Two `Content-Length` fields of equal value")
def test_equal_lengths_are_one(gateway):
    seen = gateway.passes(POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc")
    assert (framing(seen), seen.body) == ([("content-length", "3")], b"abc")


@row("A bare LF as the end of a line")
def test_a_line_feed_alone_ends_a_line_of_the_head(gateway):
    seen = gateway.passes(b"GET /public HTTP/1.1\nHost: a.test\nX-A: 1\r\nX-B: 2\n\n")
    assert (seen.all("x-a"), seen.all("x-b")) == (["1"], ["2"])
    with Wire(gateway.port) as wire:
        assert wire.send(CHUNKED + b"3\nabc\n0\n\n").answer().status == 400


@row("An empty line before the request line")
def test_an_empty_line_before_a_request_is_skipped(gateway):
    assert gateway.passes(b"\r\n" + get("/public")).target == "/public"


@row("Absolute-form target with another authority than `Host`")
@pytest.mark.parametrize("target", ["http://b.test/public", "http://a.test:81/public", "http://127.0.0.1/public"])
def test_of_an_absolute_target_only_the_path_is_used(gateway, target):
    seen = gateway.passes(get(target))
    assert seen.target == "/public"
    assert seen.all("x-forwarded-host") == ["a.test"]
    assert b"b.test" not in seen.raw


@row("Absolute-form target with another scheme or a user")
@pytest.mark.parametrize(
    "target", ["https://a.test/public", "ftp://a.test/public", "http://u@a.test/public", "http://u:p@a.test/public"]
)
def test_scheme_and_user_of_an_absolute_target_are_dropped(gateway, target):
    seen = gateway.passes(get(target))
    assert (seen.target, seen.all("x-forwarded-proto")) == ("/public", ["http"])
    assert b"u@" not in seen.raw
    assert gateway.passes(get("http://c.test/public", host=None)).all("x-forwarded-host") == ["c.test"]


@row("A fragment in the target")
@pytest.mark.parametrize(
    ("target", "sent"),
    [("/public#x", "/public"), ("/public?a#x?/admin", "/public?a"), ("/public#/../admin", "/public")],
)
def test_a_fragment_is_cut_off(gateway, target, sent):
    assert gateway.passes(get(target)).target == sent


@row("Broken chunk framing in a request")
def test_a_body_that_breaks_is_told_to_both_sides_and_recorded_as_gone(touched):
    with Wire(touched.port) as wire:
        answer = wire.send(CHUNKED + b"3\r\nabc\r\nzz\r\n").answer()
        assert answer.status == 400
        assert wire.closed()
    touched.opened.wait(lambda: touched.opened.seen)
    assert [seen.complete for seen in touched.opened.take()] == [False]
    number = answer.one("x-request-id")
    (one,) = eventually(
        lambda: touched.house.usage("route") and records(touched.house.directory, f"exchange = '{number}'")
    )
    assert one["outcome"] == "gone"


@row("White space after a chunk's size")
def test_blanks_after_a_size_are_ignored(gateway):
    seen = gateway.passes(CHUNKED + b"3 \r\nabc\r\n0\t \r\n\r\n")
    assert (framing(seen), seen.body) == ([("transfer-encoding", "chunked")], b"abc")
    assert b"3 \r\n" not in gateway.opened.raw


@row("Chunk extensions of up to 16 KiB")
def test_extensions_are_dropped(gateway):
    gateway.opened.raw.clear()
    assert gateway.passes(CHUNKED + b"3;mark=" + b"a" * 5000 + b"\r\nabc\r\n0\r\n\r\n").body == b"abc"
    assert b"mark" not in gateway.opened.raw


@row("Trailers of a request")
def test_trailers_reach_nobody(gateway):
    gateway.opened.raw.clear()
    late = b"Authorization: late\r\nHost: late\r\nX-Forwarded-For: 6.6.6.6\r\nX-Own: late\r\nContent-Length: 9\r\n"
    seen = gateway.passes(
        CHUNKED.replace(b"\r\n\r\n", b"\r\nTrailer: X-Own\r\nTE: trailers\r\n\r\n")
        + b"3\r\nabc\r\n0\r\n"
        + late
        + b"\r\n"
    )
    assert (framing(seen), seen.body) == ([("transfer-encoding", "chunked")], b"abc")
    assert b"late" not in gateway.opened.raw
    assert b"6.6.6.6" not in gateway.opened.raw


@row("What is no HTTP request")
@pytest.mark.parametrize(
    "content", [b"GET /public\r\n\r\n", b"GET /public HTTP/1.2\r\n\r\n", b"hello\r\n\r\n", get("/p", "X")]
)
def test_noise_is_answered_by_the_server_itself(gateway, content):
    answer = gateway.refuses(content)
    assert (answer.body, answer.one("content-type"), answer.one("x-request-id")) == (b"", "", "")


@row("A target above 64 KiB, a head above 400 KiB, more than 100 fields")
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/public/" + "a" * 70_000), 414),
        (get("/public", "X: " + "a" * 600_000), 431),
        (get("/public", *["X: 1"] * 100), 431),
    ],
)
def test_what_is_far_too_large_is_answered_by_the_server_itself(gateway, request_, status):
    answer = gateway.refuses(request_, status)
    assert (answer.body, answer.one("x-request-id")) == (b"", "")


@row("A head that does not come in time")
@pytest.mark.parametrize("head", [b"", b"GET /public HTTP/1.1\r\nHost: a"])
def test_a_slow_head_ends_in_silence(touched, head):
    begun = time.monotonic()
    with Wire(touched.port) as wire:
        assert wire.send(head).answer() is None
    assert 0.5 < time.monotonic() - begun < 5
    assert touched.untouched()


@row("A WebSocket handshake without a key, or of another version than 13")
def test_what_is_no_handshake_is_answered_by_the_server_and_early_bytes_are_checked_like_any_request(touched):
    for lines in (HANDSHAKE, (*HANDSHAKE[:2], KEY), (*HANDSHAKE[:2], "Sec-WebSocket-Version: 12", KEY)):
        with Wire(touched.port) as wire:
            wire.send(get("/public", *lines) + get("/admin"))
            first, second = wire.answer(), wire.answer()
        assert (first.status, first.one("server"), second.status) == (400, "granian", 401)
    assert touched.untouched()


@row("A refused WebSocket handshake")
@row("A request with `Upgrade: websocket` and another method than GET")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("target", "status"), [("/public", 400), ("/admin", 401)])
def test_a_refused_handshake_shows_what_the_server_had_prepared_and_nothing_follows_it(touched, method, target, status):
    with Wire(touched.port) as wire:
        answer = wire.send(get(target, *HANDSHAKE, KEY, method=method) + get("/public")).answer()
        assert (answer.status, answer.one("content-type")) == (status, "application/problem+json")
        assert (answer.one("upgrade"), answer.one("connection")) == ("websocket", "upgrade, close")
        assert wire.closed()
    assert touched.untouched()


@row("A client that ends its side after the request")
def test_a_client_that_says_no_more_gets_no_more(touched):
    touched.opened.say = lambda seen, connection: connection.recv(1)  # until it is left
    try:
        with Wire(touched.port) as wire:
            wire.send(get("/public"))
            touched.opened.wait(lambda: touched.opened.answering)
            assert wire.end().answer() is None
        touched.opened.wait(lambda: not touched.opened.answering)
    finally:
        touched.opened.say = touched.opened.fine


@row("A client that takes nothing of its reply")
def test_a_client_that_does_not_read_is_left_by_the_upstream(touched):
    sent = []

    def flood(seen, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
        while True:
            sent.append(connection.send(bytes(1 << 16)))

    touched.opened.say = flood
    try:
        with Wire(touched.port, window=4096) as wire:
            wire.send(get("/public"))
            touched.opened.wait(lambda: sent)
            touched.opened.wait(lambda: not touched.opened.answering)
            assert sum(sent) < 100_000_000
            answer = wire.answer()
            assert (answer.status, answer.complete) == (200, False)
    finally:
        touched.opened.say = touched.opened.fine
