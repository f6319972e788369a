"""Where a message ends: every framing that has two readings is refused, and what goes on is framed anew (P-3 … P-7)."""

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import Wire, get, post

POST = b"POST /public HTTP/1.1\r\nHost: a.test\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
ADMIN = b"GET /admin/smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with attacked(tmp_path_factory.mktemp("framing")) as made:
        yield made


def framing(seen):
    """What says where a request ends."""
    return [line for line in seen.headers if line[0] in ("content-length", "transfer-encoding", "trailer", "te")]


# P-4: Content-Length --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        "",
        "+5",
        "-1",
        "0x5",
        "1_0",
        "5.0",
        "5 5",
        "5,",
        "5, 5",
        "5,6",
        "five",
        "\x0b5",
        "5\x0c",
        "٣",
        "00000000000000000005",
        "9223372036854775808",
        "18446744073709551616",
        "18446744073709551621",
        "9" * 400,
    ],
)
def test_p4_a_length_that_is_no_number_is_refused(gateway, value):
    gateway.refuses(POST + b"Content-Length: " + value.encode() + b"\r\n\r\nabcde" + ADMIN)


@pytest.mark.parametrize("values", [("3", "4"), ("3", "+3"), ("0", "46"), ("46", "0"), ("3", ""), ("3", "chunked")])
def test_p4_two_different_lengths_are_refused(gateway, values):
    lines = "".join(f"Content-Length: {value}\r\n" for value in values)
    gateway.refuses(POST + lines.encode() + b"\r\nabc" + ADMIN)


@pytest.mark.parametrize("line", ["Content-Length : 5", "Content-Length\t: 5", " Content-Length: 5", "Content-Length"])
def test_p4_a_length_under_a_name_that_is_none_is_refused(gateway, line):
    gateway.refuses(POST + line.encode() + b"\r\n\r\nabcde")


@pytest.mark.parametrize("value", ["5", "05", " 5 ", "\t5"])
def test_p4_a_length_is_sent_on_in_its_one_spelling(gateway, value):
    seen = gateway.passes(POST + f"Content-Length:{value}\r\n\r\n".encode() + b"abcde")
    assert (framing(seen), seen.body) == ([("content-length", "5")], b"abcde")


def test_p4_a_body_of_get_is_framed_as_any_other(gateway):
    seen = gateway.passes(get("/public", "Content-Length: 46") + ADMIN)
    assert (framing(seen), seen.body) == ([("content-length", "46")], ADMIN)


# P-3 and P-5: Transfer-Encoding ---------------------------------------------------------------------------------
CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "value",
    [
        "gzip, chunked",
        "chunked, chunked",
        "xchunked",
        "chunkedx",
        "identity",
        "",
        "\x0bchunked",
        "chunked\x0b",
        "chunked;q=1",
        "chunked, gzip",
        '"chunked"',
        "chunked,",
        ",chunked",
        "chun ked",
        "chunked\x00",
        "gzip",
    ],
)
def test_p5_any_encoding_but_one_chunked_is_refused(gateway, value):
    gateway.refuses(POST + b"Transfer-Encoding: " + value.encode() + b"\r\n\r\n" + CHUNKED + ADMIN, 400, 501)


@pytest.mark.parametrize("other", ["chunked", "identity", "gzip", "", "x"])
@pytest.mark.parametrize("first", [True, False])
def test_p5_two_encoding_lines_are_refused(gateway, other, first):
    lines = [f"Transfer-Encoding: {value}\r\n" for value in ([other, "chunked"] if first else ["chunked", other])]
    gateway.refuses(POST + "".join(lines).encode() + b"\r\n" + CHUNKED, 400, 501)


@pytest.mark.parametrize("length", ["", "Content-Length: 3\r\n"])
def test_p5_an_encoding_does_not_exist_in_http_1_0(gateway, length):
    head = f"POST /public HTTP/1.0\r\nHost: a.test\r\n{length}Transfer-Encoding: chunked\r\n\r\n"
    gateway.refuses(head.encode() + CHUNKED + ADMIN)


@pytest.mark.parametrize(
    "line", ["Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "Transfer\x00-Encoding: chunked"]
)
def test_p5_an_encoding_under_a_name_that_is_none_is_refused(gateway, line):
    gateway.refuses(POST + line.encode() + b"\r\nContent-Length: 3\r\n\r\nabc")


@pytest.mark.parametrize(
    "line", ["Transfer-Encoding: CHUNKED", "transfer-encoding:\tchunked", "TRANSFER-ENCODING:chunked \t"]
)
def test_p5_chunks_are_sent_on_in_chunks_of_our_own(gateway, line):
    seen = gateway.passes(POST + line.encode() + b"\r\n\r\n1;a=b\r\na\r\n0002\r\nbc\r\n0\r\n\r\n")
    assert (framing(seen), seen.body) == ([("transfer-encoding", "chunked")], b"abc")


@pytest.mark.parametrize("length", [b"3", b"46", b"0", b"100000"])
@pytest.mark.parametrize("first", [True, False])
def test_p3_of_length_and_chunks_only_chunks_are_believed_and_nothing_follows(gateway, length, first):
    lines = [b"Content-Length: " + length, b"Transfer-Encoding: chunked"]
    head = POST + b"\r\n".join(lines if first else lines[::-1]) + b"\r\n\r\n"
    gateway.forget()
    with Wire(gateway.port) as wire:
        answer = wire.send(head + CHUNKED + ADMIN).answer()
        assert answer.status == 200
        assert wire.closed()
    (seen,) = gateway.opened.take()
    assert (framing(seen), seen.body) == ([("transfer-encoding", "chunked")], b"abc")
    assert gateway.untouched()


# P-6: chunks ------------------------------------------------------------------------------------------------------
BROKEN_CHUNKS = {
    "LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "LF after the content": b"3\r\nabc\n0\r\n\r\n",
    "LF at the end": b"3\r\nabc\r\n0\n\n",
    "CR alone": b"3\rabc\r\n0\r\n\r\n",
    "plus": b"+3\r\nabc\r\n0\r\n\r\n",
    "minus": b"-3\r\nabc\r\n0\r\n\r\n",
    "0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "underscore": b"0_3\r\nabc\r\n0\r\n\r\n",
    "no digit": b"\r\nabc\r\n0\r\n\r\n",
    "space before": b" 3\r\nabc\r\n0\r\n\r\n",
    "not hexadecimal": b"3g\r\nabc\r\n0\r\n\r\n",
    "overflow to 3": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "17 digits": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "longer than its size": b"3\r\nabcX\r\n0\r\n\r\n",
    "no end of the content": b"3\r\nabc0\r\n\r\n",
    "LF in an extension": b"3;a=\nb\r\nabc\r\n0\r\n\r\n",
    "extension of 20 KB": b"3;" + b"a" * 20_000 + b"\r\nabc\r\n0\r\n\r\n",
    "trailer without colon": b"3\r\nabc\r\n0\r\nno colon\r\n\r\n",
    "trailer of 70 KB": b"3\r\nabc\r\n0\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    "second one broken": b"3\r\nabc\r\nzz\r\n\r\n",
}


@pytest.mark.parametrize("name", list(BROKEN_CHUNKS))
def test_p6_broken_chunks_are_never_a_whole_body(gateway, name):
    gateway.forget()
    begun = gateway.opened.begun
    with Wire(gateway.port) as wire:
        answer = wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + BROKEN_CHUNKS[name] + ADMIN).answer()
        assert (answer.status, answer.one("connection")) == (400, "close")
        assert answer.one("content-type") == "application/problem+json"
        assert wire.closed()
    gateway.opened.wait(lambda: len(gateway.opened.seen) + len(gateway.opened.strange) >= gateway.opened.begun - begun)
    assert not any(seen.complete for seen in gateway.opened.take())
    assert not gateway.guarded.seen


def test_p6_a_body_that_breaks_later_leaves_the_services_message_without_its_end(gateway):
    with Wire(gateway.port) as wire:
        wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n")
        gateway.opened.wait(lambda: b"5\r\nlater\r\n" in gateway.opened.raw)
        wire.send(b"zz\r\n\r\n")
        assert wire.answer().status == 400
    gateway.opened.wait(lambda: any(seen.body == b"later" for seen in gateway.opened.seen))
    assert not any(seen.complete for seen in gateway.opened.take() if seen.body == b"later")


# P-7: lines and the first line ------------------------------------------------------------------------------------
BROKEN_LINES = {
    "folded": "X-A: a\r\n b",
    "folded by a tab": "X-A: a\r\n\tb",
    "CR in a value": "X-A: a\rb",
    "CR and a field": "X-A: a\rX-B: b",
    "NUL in a value": "X-A: a\0b",
    "VT in a value": "X-A: a\x0bb",
    "DEL in a value": "X-A: a\x7fb",
    "ESC in a value": "X-A: \x1b[31m",
    "space after the name": "X-A : a",
    "tab after the name": "X-A\t: a",
    "space in the name": "X A: a",
    "no name": ": a",
    "no colon": "X-A",
    "NUL in the name": "X\0A: a",
    "umlaut in the name": "X-\xe4: a",
    "bracket in the name": "X(A): a",
    "underscore in the name": "X_A: a",
    "slash in the name": "X/A: a",
}


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("name", list(BROKEN_LINES))
def test_p7_a_broken_line_is_refused_wherever_it_stands(gateway, name, place):
    lines = ["Host: a.test", "Accept: */*"]
    lines.insert({"first": 0, "middle": 1, "last": 2}[place], BROKEN_LINES[name])
    gateway.refuses(get("/public", *lines, host=None) + ADMIN)


@pytest.mark.parametrize(
    "line",
    [
        "GET  /public HTTP/1.1",
        "GET\t/public HTTP/1.1",
        "GET /public HTTP/1.1 ",
        "GET /public  HTTP/1.1",
        " GET /public HTTP/1.1",
        "GET /public",
        "GET /public http/1.1",
        "GET /public HTTP/1.2",
        "GET /public HTTP/2.0",
        "GET /public HTTP/0.9",
        "GET /public HTTP/1",
        "GET /public HTTP/1.1x",
        "GET /public HTTP/+1.1",
        "/public HTTP/1.1",
        "GET HTTP/1.1",
        "GET /pub lic HTTP/1.1",
    ],
)
def test_p7_a_broken_first_line_is_refused(gateway, line):
    gateway.refuses(f"{line}\r\nHost: a.test\r\n\r\n".encode() + ADMIN)


@pytest.mark.parametrize("method", ["get", "Get", "A" * 33, "A" * 3000, "G{T", "G\0T", "GÉT", "GET,", "delete"])
def test_p7_a_method_that_is_none_is_refused(gateway, method):
    gateway.refuses(f"{method} /public HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())


@pytest.mark.parametrize("target", ["a.test:443", "/public", "/admin", "127.0.0.1:22"])
def test_p11_connect_is_not_served(gateway, target):
    answer = gateway.refuses(get(target, method="CONNECT"), 405, 400)
    assert answer is None or answer.status == 400 or "CONNECT" not in answer.one("allow")


def test_unknown_bytes_are_no_request(gateway):
    for content in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 64,
        b"SSH-2.0-x\r\n",
        b"{}\r\n\r\n",
        PREFACE,
    ):
        gateway.refuses(content)


def test_what_follows_a_request_is_a_request_of_its_own(gateway):
    gateway.forget()
    with Wire(gateway.port) as wire:
        wire.send(get("/public/1") + post("/public/2", b"body") + ADMIN + get("/public/4") + b"garbage\r\n\r\n")
        answers = [wire.answer() for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 401, 200, 400]
        assert wire.closed()
    assert [(seen.target, seen.body) for seen in gateway.opened.take()] == [
        ("/public/1", b""),
        ("/public/2", b"body"),
        ("/public/4", b""),
    ]
    assert gateway.untouched()


@pytest.mark.parametrize("lines", [(), ("Connection: close",), ("Connection: keep-alive",), ("Keep-Alive: 5",)])
def test_an_old_client_is_served_and_told_how_the_connection_goes_on(gateway, lines):
    gateway.forget()
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public", *lines, version="1.0")).answer()
        assert (answer.status, answer.body) == (200, b"ok")
        if lines == ("Connection: keep-alive",):
            assert answer.one("connection") == "keep-alive"
            assert wire.send(get("/public/2")).answer().status == 200
        else:
            assert wire.closed()
    gateway.refuses(get("/public", host=None, version="1.0"))
