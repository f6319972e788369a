"""The rules of a WebSocket handshake, and the codes that tell of refusals."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.core.http import Peer
from triplegate.edge.guard import canonical
from triplegate.edge.websocket import WebSocketLine, handshake_fault

KEY = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
VERSION = (b"sec-websocket-version", b"13")
UPGRADE = [(b"host", b"a"), (b"connection", b"Upgrade"), (b"upgrade", b"websocket")]


def fault(*headers, method="GET", version="1.1"):
    seen = canonical("data", method, b"/chat", [*UPGRADE, *headers], version, "http", Peer("192.0.2.1"))
    return handshake_fault(seen)


def test_a_good_handshake_has_no_fault():
    assert fault(KEY, VERSION) is None


@pytest.mark.parametrize(
    "headers",
    [
        (VERSION,),
        (KEY,),
        (KEY, (b"sec-websocket-version", b"12")),
        (KEY, VERSION, VERSION),
        (KEY, KEY, VERSION),
        ((b"sec-websocket-key", b"short"), VERSION),
        ((b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ"), VERSION),
        ((b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"), VERSION),
        (KEY, VERSION, (b"content-length", b"3")),
        (KEY, VERSION, (b"content-length", b"0")),
        (KEY, VERSION, (b"transfer-encoding", b"chunked")),
    ],
)
def test_p22_what_is_no_handshake_is_malformed(headers):
    assert fault(*headers).code == "malformed_request"


@pytest.mark.parametrize("more", [{"method": "POST"}, {"version": "1.0"}])
def test_p22_only_get_over_http_1_1_opens_one(more):
    assert fault(KEY, VERSION, **more).code == "malformed_request"


def test_the_version_that_is_spoken_is_told():
    assert fault(KEY).headers == [VERSION]


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("draining", 1001),
        ("invalid_credentials", 1008),
        ("forbidden", 1008),
        ("route_not_found", 1008),
        ("message_too_large", 1009),
        ("quota_exceeded", 1013),
        ("upstream_reset", 1011),
        ("upstream_malformed", 1011),
        ("upstream_timeout", 1011),
        ("internal", 1011),
    ],
)
def test_refusals_have_codes(refusal, code):
    assert WebSocketLine.code_of(None, Refusal(refusal)) == code


def test_an_end_that_somebody_wanted_is_fine():
    outcomes = {code: WebSocketLine.outcome_of(None, code) for code in (1000, 1001, 1005, 1008, 3000, 4999)}
    assert set(outcomes.values()) == {"ok"}
    assert {WebSocketLine.outcome_of(None, code) for code in (1002, 1007, 1009, 1011, 1013)} == {"failed"}
