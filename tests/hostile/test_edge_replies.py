"""What a hostile service says, as the client hears it: whole and well framed, or visibly not (P-14, P-21, P-30)."""

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import OK, Wire, ask, get

LARGE = b"x" * 300_000


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with attacked(tmp_path_factory.mktemp("replies")) as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(gateway):
    gateway.forget()
    yield
    gateway.opened.say = gateway.opened.fine


def says(gateway, content, *, close=False):
    """The open service answers with these bytes."""

    def say(seen, connection):
        connection.sendall(content)
        return True if close else None

    gateway.opened.say = say


def reply(*lines, status="200 OK", body=b""):
    return ("\r\n".join([f"HTTP/1.1 {status}", *lines]) + "\r\n\r\n").encode("latin-1") + body


BROKEN_HEADS = {
    "no HTTP": b"hello\r\n\r\n",
    "HTTP/0.9": b"ok",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "status of words": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok",
    "two lengths": reply("Content-Length: 2", "Content-Length: 3", body=b"ok!"),
    "two equal lengths": reply("Content-Length: 2", "Content-Length: 2", body=b"ok"),
    "list of lengths": reply("Content-Length: 2, 2", body=b"ok"),
    "+2": reply("Content-Length: +2", body=b"ok"),
    "-2": reply("Content-Length: -2", body=b"ok"),
    "0x2": reply("Content-Length: 0x2", body=b"ok"),
    "1_0": reply("Content-Length: 1_0", body=b"okokokokok"),
    "overflow": reply("Content-Length: 18446744073709551618", body=b"ok"),
    "empty length": reply("Content-Length:", body=b"ok"),
    "length and chunks": reply("Content-Length: 2", "Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "gzip, chunked": reply("Transfer-Encoding: gzip, chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "chunked, chunked": reply("Transfer-Encoding: chunked, chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "xchunked": reply("Transfer-Encoding: xchunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "folded": reply("X-A: a\r\n b", "Content-Length: 2", body=b"ok"),
    "space after a name": reply("X-A : a", "Content-Length: 2", body=b"ok"),
    "no colon": reply("X-A", "Content-Length: 2", body=b"ok"),
    "no name": reply(": a", "Content-Length: 2", body=b"ok"),
    "CR in a value": reply("X-A: a\rb", "Content-Length: 2", body=b"ok"),
    "NUL in a value": reply("X-A: a\0b", "Content-Length: 2", body=b"ok"),
    "head of 100 KB": reply("X-A: " + "a" * 100_000, "Content-Length: 2", body=b"ok"),
    "10,000 fields": reply(*["X: 1"] * 10_000, "Content-Length: 2", body=b"ok"),
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "1xx without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 200,
    "101 unasked": reply("Connection: upgrade", "Upgrade: websocket", status="101 Switching Protocols"),
}


@pytest.mark.parametrize("name", list(BROKEN_HEADS))
def test_p30_a_head_that_cannot_be_read_is_502_and_nothing_of_it_passes(gateway, name):
    says(gateway, BROKEN_HEADS[name], close=True)
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public")).answer()
        assert answer.status == 502
        assert answer.one("content-type") == "application/problem+json"
        assert answer.all("x-a") == []
        gateway.opened.say = gateway.opened.fine
        after = wire.send(get("/public/after")).answer()
        assert (after.status, after.body) == (200, b"ok")


BROKEN_BODIES = {
    "cut under a length": reply("Content-Length: 10", body=b"four"),
    "cut in chunks": reply("Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
    "cut in a chunk": reply("Transfer-Encoding: chunked", body=b"10\r\nhello"),
    "cut before the last CRLF": reply("Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n"),
    "size that is none": reply("Transfer-Encoding: chunked", body=b"5\r\nhello\r\nzz\r\n"),
    "negative size": reply("Transfer-Encoding: chunked", body=b"5\r\nhello\r\n-1\r\n\r\n"),
    "overflow": reply("Transfer-Encoding: chunked", body=b"5\r\nhello\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "longer than its size": reply("Transfer-Encoding: chunked", body=b"5\r\nhelloX\r\n0\r\n\r\n"),
    "length in a trailer": reply("Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "LF alone": reply("Transfer-Encoding: chunked", body=b"5\r\nhello\n0\r\n\r\n"),
    "large and cut": reply("Content-Length: 600000", body=LARGE),
    "large and broken": reply("Transfer-Encoding: chunked", body=b"%x\r\n%b\r\nzz\r\n" % (len(LARGE), LARGE)),
}


@pytest.mark.parametrize("name", list(BROKEN_BODIES))
def test_p30_a_body_that_breaks_never_looks_whole(gateway, name):
    says(gateway, BROKEN_BODIES[name], close=True)
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public")).answer()
        assert not (answer.status == 200 and answer.complete)
        assert answer.status in (200, 502)
        if answer.status == 200:
            assert wire.closed()


SMUGGLED = reply("Content-Length: 5", "X-A: smuggled", status="201 Created", body=b"false")


@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("GET", OK + SMUGGLED),
        ("HEAD", reply("Content-Length: 2") + SMUGGLED),
        ("HEAD", reply("Content-Length: 2", body=b"ok") + SMUGGLED),
        ("HEAD", reply("Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n") + SMUGGLED),
        ("GET", reply(status="204 No Content") + SMUGGLED),
        ("GET", reply("Content-Length: 2", status="204 No Content", body=b"ok") + SMUGGLED),
        ("GET", reply("Content-Length: 2", status="304 Not Modified", body=b"ok") + SMUGGLED),
        ("GET", reply("Transfer-Encoding: chunked", status="304 Not Modified") + SMUGGLED),
        ("GET", reply("Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n") + SMUGGLED),
        ("GET", reply("Link: </a>", status="103 Early Hints") + OK + SMUGGLED),
    ],
)
def test_p14_an_answer_that_nobody_asked_for_reaches_nobody(gateway, method, content):
    """Two answers to one request: the second belongs to no client, least of all to the next one."""
    says(gateway, content)
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public", method=method)).answer(head=method == "HEAD")
        assert answer.status in (200, 204, 304, 502)
        assert answer.all("x-a") == []
        gateway.opened.say = gateway.opened.fine
        for _ in range(3):
            after = wire.send(get("/public/after")).answer()
            assert (after.status, after.body, after.all("x-a")) == (200, b"ok", [])


@pytest.mark.parametrize(
    ("method", "status", "lines"),
    [
        ("HEAD", "200 OK", ["Content-Length: 12345"]),
        ("GET", "204 No Content", []),
        ("GET", "304 Not Modified", ["Content-Length: 12345", 'ETag: "a"']),
        ("HEAD", "404 Not Found", ["Transfer-Encoding: chunked"]),
    ],
)
def test_p14_what_has_no_body_has_none_here(gateway, method, status, lines):
    says(gateway, reply(*lines, status=status))
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public", method=method)).answer(head=method == "HEAD")
        assert answer.status == int(status[:3])
        assert answer.all("transfer-encoding") == [] or method == "HEAD"
        if lines and method == "HEAD" and "Length" in lines[0]:
            assert answer.one("content-length") == "12345"
        gateway.opened.say = gateway.opened.fine
        assert wire.send(get("/public/after")).answer().body == b"ok"


def test_p1_hop_by_hop_fields_of_a_service_end_here(gateway):
    lines = [
        "Connection: keep-alive, X-Private",
        "X-Private: 1",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authenticate: Basic",
        "Upgrade: h2c",
        "Trailer: X-Late",
        "TE: trailers",
        "X-Request-Id: theirs",
        "X-Own: 1",
        "X-Own: 2",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
    ]
    says(gateway, reply(*lines, "Content-Length: 2", body=b"ok"))
    answer = ask(gateway.port, get("/public"))
    names = {name for name, _ in answer.headers}
    assert not names & {"x-private", "keep-alive", "proxy-connection", "proxy-authenticate", "upgrade", "trailer", "te"}
    assert (answer.all("x-own"), answer.all("set-cookie")) == (["1", "2"], ["a=1", "b=2"])
    assert (answer.all("content-length"), answer.all("date")[1:], answer.all("server")[1:]) == (["2"], [], [])
    assert "theirs" not in answer.all("x-request-id")
    assert len(answer.all("x-request-id")) == 1


def test_p21_trailers_of_a_service_become_no_fields_of_the_answer(gateway):
    body = b"2\r\nok\r\n0\r\nSet-Cookie: late\r\nX-Late: late\r\nHost: late\r\n\r\n"
    says(gateway, reply("Transfer-Encoding: chunked", "Trailer: X-Late", body=body))
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public", "TE: trailers")).answer()
        assert (answer.status, answer.body, answer.complete) == (200, b"ok", True)
        assert answer.all("x-late") == answer.all("set-cookie") == []
        gateway.opened.say = gateway.opened.fine
        assert wire.send(get("/public/after")).answer().body == b"ok"


def test_p30_a_body_that_ends_with_its_connection_is_whole(gateway):
    says(gateway, reply("Content-Type: text/plain", body=b"all of it"), close=True)
    answer = ask(gateway.port, get("/public"))
    assert (answer.status, answer.body, answer.complete) == (200, b"all of it", True)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_old_client_is_never_sent_chunks(gateway, version):
    says(gateway, reply("Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n"))
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public", version=version)).answer()
        assert (answer.status, answer.body) == (200, b"ok")
        assert version == "1.1" or not answer.all("transfer-encoding")
        assert version == "1.1" or wire.closed()


def test_a_broken_body_looks_broken_to_an_old_client_too(gateway):
    """Without chunks only Content-Length or a reset can tell: HTTP/1.0 has no other end than the connection's."""
    says(gateway, BROKEN_BODIES["cut under a length"], close=True)
    answer = ask(gateway.port, get("/public", version="1.0"))
    assert (answer.status, answer.complete) in ((200, False), (502, True))
