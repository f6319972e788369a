"""A request's head is read strictly; what can never become one is refused before its end."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.edge.http1_head import check_begun, read_head

HEAD = b"POST /a?b=c HTTP/1.1\r\nHost: a.test\r\nX-A:  b \t\r\nX-A:\r\nConnection: x\r\nConnection: close"


def refused(call, *arguments):
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.code


def test_a_head_is_taken_apart_as_it_was_written():
    head = read_head(HEAD)
    assert (head.method, head.target, head.version, head.keep, head.upgrade) == ("POST", b"/a?b=c", "1.1", False, False)
    assert head.headers == [
        (b"host", b"a.test"),
        (b"x-a", b"b"),
        (b"x-a", b""),
        (b"connection", b"x"),
        (b"connection", b"close"),
    ]


@pytest.mark.parametrize(
    ("first", "line", "keep"),
    [
        (b"GET / HTTP/1.1", b"A: b", True),
        (b"GET / HTTP/1.1", b"Connection: keep-alive", True),
        (b"GET / HTTP/1.1", b"connection: foo ,Close", False),
        (b"GET / HTTP/1.0", b"A: b", False),
        (b"GET / HTTP/1.0", b"Connection: Keep-Alive", True),
        (b"GET / HTTP/1.0", b"Connection: close", False),
    ],
)
def test_whether_another_request_may_follow_is_the_clients_to_say(first, line, keep):
    assert read_head(first + b"\r\n" + line).keep is keep


def test_a_wish_for_websocket_is_seen():
    assert read_head(b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade").upgrade
    assert not read_head(b"GET / HTTP/1.1\r\nUpgrade: WebSocket").upgrade, "a field of this hop must be named so"
    assert not read_head(b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade").upgrade


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET / HTTP/2.0",
        b"GET / http/1.1",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nno colon",
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_what_is_no_head_is_refused(head):
    assert refused(read_head, head) == "malformed_request"


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise(content):
    with contextlib.suppress(Refusal):
        read_head(content)
    with contextlib.suppress(Refusal):
        check_begun(content, 100, 50)


def test_every_beginning_of_a_good_head_may_go_on():
    for stop in range(len(HEAD)):
        check_begun(HEAD[:stop], 1000, 100)


@pytest.mark.parametrize(
    ("begun", "code"),
    [
        (b"\x16\x03\x01\x02", "malformed_request"),
        (b"\0\0", "malformed_request"),
        (b"{", "malformed_request"),
        (b"SSH-2.0-x\r\n", "malformed_request"),
        (b"GET / HTTP/3", "malformed_request"),
        (b"A" * 33, "malformed_request"),
        (b"GET / HTTP/1.1\n", "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: a\nX", "malformed_request"),
        (b"GET /" + b"a" * 200, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 1000, "headers_too_large"),
    ],
)
def test_what_can_never_become_a_head_is_refused_at_once(begun, code):
    assert refused(check_begun, begun, 1000, 100) == code
