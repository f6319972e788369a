"""The probes of the edge against the in-loop transport: all that holds for the other one, and no deviation."""

import time
from itertools import chain

import pytest
from tests.hostile import (
    test_edge_bodies,
    test_edge_fields,
    test_edge_framing,
    test_edge_identity,
    test_edge_paths,
    test_edge_replies,
)
from tests.hostile.attacked import attacked
from tests.hostile.raw import Wire, get
from tests.hostile.test_edge_bodies import _fresh  # noqa: F401 - a fixture
from tests.journeys.running import eventually, records

PROBES = (
    test_edge_framing,
    test_edge_fields,
    test_edge_paths,
    test_edge_identity,
    test_edge_replies,
    test_edge_bodies,  # at the end it looks at what all have left
)
DEVIATES = "test_p3_of_length_and_chunks_only_chunks_are_believed_and_nothing_follows"
"""What the other transport does where this one refuses."""
POST = b"POST /public HTTP/1.1\r\nHost: a.test\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HANDSHAKE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    limits = "body_idle: 600ms, write_idle: 700ms, header_timeout: 1s, connections: 64, exchanges: 24"
    with attacked(tmp_path_factory.mktemp("loop"), limits, TRIPLEGATE_TRANSPORT="loop") as made:
        yield made


# what the other transport deviates in (docs/deviations.md) is refused ---------------------------------------------
@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /public HTTP/1.1\nHost: a.test\n\n",
        b"GET /public HTTP/1.1\r\nHost: a.test\nX-A: 1\r\n\r\n",
        get("http://b.test/public"),
        get("http://a.test:81/public"),
        get("https://a.test/public"),
        get("ftp://a.test/public"),
        get("http://u@a.test/public"),
        get("http://c.test/public", host=None),
        get("/public#x"),
        get("/public?a#x?/admin"),
        CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3;mark=" + b"a" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
        b"GET /public\r\n\r\n",
        b"GET /public HTTP/1.2\r\n\r\n",
        b"hello\r\n\r\n",
        get("/public", "X"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_a_reason_and_a_number(gateway, request_):
    gateway.forget()
    with Wire(gateway.port) as wire:
        answer = wire.send(request_ + get("/admin/smuggled")).answer()
        assert (answer.status, answer.one("content-type")) == (400, "application/problem+json")
        assert answer.one("x-request-id")
        assert wire.closed()
    assert not gateway.guarded.seen
    assert not any(seen.complete for seen in gateway.opened.take())


def test_a_body_that_breaks_is_recorded_as_refused(gateway):
    with Wire(gateway.port) as wire:
        answer = wire.send(CHUNKED + b"3\r\nabc\r\nzz\r\n").answer()
        assert (answer.status, wire.closed()) == (400, True)
    number = answer.one("x-request-id")
    (one,) = eventually(
        lambda: gateway.house.usage("route") and records(gateway.house.directory, f"exchange = '{number}'")
    )
    assert one["outcome"] == "refused"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/public/" + "a" * 70_000), 414),
        (get("/public", "X: " + "a" * 600_000), 431),
        (get("/public", *["X: 1"] * 200), 431),
    ],
)
def test_what_is_far_too_large_is_refused_with_a_reason(gateway, request_, status):
    assert gateway.refuses(request_, status).one("content-type") == "application/problem+json"


def test_an_empty_line_before_a_request_is_skipped(gateway):
    assert gateway.passes(b"\r\n" + get("/public")).target == "/public"


def test_trailers_reach_nobody(gateway):
    gateway.opened.raw.clear()
    late = b"Authorization: late\r\nHost: late\r\nX-Forwarded-For: 6.6.6.6\r\nX-Own: late\r\nContent-Length: 9\r\n"
    assert gateway.passes(CHUNKED + b"3\r\nabc\r\n0\r\n" + late + b"\r\n").body == b"abc"
    assert b"late" not in gateway.opened.raw


def test_a_slow_head_is_told_so_when_it_has_begun(gateway):
    for begun, status in ((b"", None), (b"GET /public HTTP/1.1\r\nHost: a", 408)):
        since = time.monotonic()
        with Wire(gateway.port) as wire:
            answer = wire.send(begun).answer()
        assert (answer and answer.status) == status
        assert 0.5 < time.monotonic() - since < 5


def test_a_handshake_that_is_refused_ends_the_connection(gateway):
    gateway.forget()
    with Wire(gateway.port) as wire:
        wire.send(get("/public", *HANDSHAKE, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") + get("/admin"))
        assert wire.answer().status == 400
        assert wire.closed()
    assert gateway.untouched()


def test_a_client_that_ends_its_side_is_gone(gateway):
    gateway.opened.say = lambda seen, connection: connection.recv(1)  # until it is left
    with Wire(gateway.port) as wire:
        wire.send(get("/public"))
        gateway.opened.wait(lambda: gateway.opened.answering)
        assert wire.end().answer() is None
    gateway.opened.wait(lambda: not gateway.opened.answering)


def test_an_answer_cut_by_its_service_looks_cut_to_an_old_client_too(gateway):
    def cut(seen, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        return True

    gateway.opened.say = cut
    with Wire(gateway.port) as wire:
        wire.send(get("/public", version="1.0"))
        while (how := heard(wire)) == "more":
            pass
    assert how == "reset"


def heard(wire):
    """What the client hears next."""
    try:
        return "more" if wire.socket.recv(65536) else "end"
    except ConnectionResetError:
        return "reset"


for _name, _value in chain.from_iterable(vars(module).items() for module in PROBES):
    if _name.startswith("test_") and callable(_value) and _name not in {*globals(), DEVIATES}:
        globals()[_name] = _value
