"""Heads of requests are written in one way; heads of replies with two meanings are refused."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.upstreams.head import Malformed, fixed_lines, judge, keep_alive_hint, length_framing, request_head


def test_a_head_keeps_order_and_repeats():
    head = request_head("GET", b"/a?b=c", [(b"host", b"h"), (b"x", b"1"), (b"y", b""), (b"x", b"2")])
    assert head == b"GET /a?b=c HTTP/1.1\r\nhost: h\r\nx: 1\r\ny: \r\nx: 2\r\n\r\n"


def test_what_is_always_the_same_is_judged_once_and_stands_first():
    fixed = fixed_lines([(b"host", b"h"), (b"connection", b"close"), (b"a", b"1")])
    head = request_head("POST", b"/a", [(b"x", b"2")], length_framing("POST", 0), fixed)
    assert head == b"POST /a HTTP/1.1\r\nhost: h\r\na: 1\r\nx: 2\r\ncontent-length: 0\r\n\r\n"
    assert fixed_lines([]) == b""
    for value in (b"1\r\nb: 2", b"1\n", b"1\0"):
        with pytest.raises(Refusal, match="internal"):
            fixed_lines([(b"a", value)])


@pytest.mark.parametrize(
    "name",
    [
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"content-length",
        b"upgrade",
        b"http2-settings",
        b"expect",
    ],
)
def test_hop_by_hop_fields_are_never_copied(name):
    assert request_head("GET", b"/", [(name, b"5")]) == b"GET / HTTP/1.1\r\n\r\n"


def test_te_says_trailers_or_nothing():
    assert request_head("GET", b"/", [(b"te", b"gzip")]) == b"GET / HTTP/1.1\r\n\r\n"
    head = request_head("GET", b"/", [(b"te", b"gzip, trailers;q=0.5")])
    assert head == b"GET / HTTP/1.1\r\nte: trailers\r\nconnection: te\r\n\r\n"


@pytest.mark.parametrize("method", ["GET X", "", "G\r\nT", "GÉT", "GET\0"])
def test_a_method_is_a_token(method):
    with pytest.raises(Refusal, match="internal"):
        request_head(method, b"/", [])


def test_an_unusual_method_passes():
    assert request_head("VERSION-CONTROL", b"/", []).startswith(b"VERSION-CONTROL / ")


def test_length_is_said_where_content_is_expected():
    assert length_framing("GET", 0) == b""
    assert length_framing("GET", 3) == b"content-length: 3\r\n"
    assert length_framing("POST", 0) == b"content-length: 0\r\n"


def test_framing_is_judged():
    assert judge([(b"transfer-encoding", b"Chunked")], version="1.1")
    assert not judge([(b"content-length", b"3")], version="1.1")
    for headers, version in [
        ([(b"transfer-encoding", b"gzip")], "1.1"),
        ([(b"transfer-encoding", b"chunked")] * 2, "1.1"),
        ([(b"transfer-encoding", b"chunked")], "1.0"),
        ([(b"transfer-encoding", b"chunked"), (b"content-length", b"3")], "1.1"),
        ([(b"content-length", b"3")] * 2, "1.1"),
        ([(b"a", b"")] * 101, "1.1"),
    ]:
        with pytest.raises(Malformed):
            judge(headers, version=version)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5", 5.0),
        (b"timeout=5, max=100", 5.0),
        (b"max=100, Timeout=75", 75.0),
        (b"timeout=x", None),
        (b"timeout=-1", None),
        (b"timeout=99999999", None),
        (b"", None),
    ],
)
def test_the_keep_alive_hint_is_read(value, seconds):
    assert keep_alive_hint([(b"keep-alive", value)]) == seconds
