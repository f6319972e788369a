"""Host and Origin lists, as written."""

import msgspec
import pytest
from tests.builders import make_inbound

from triplegate.gates.mcp.doors import Doors, preflight, promised


def allowed(doors, host="localhost", origin=None):
    inbound = msgspec.structs.replace(make_inbound(headers=[] if origin is None else [(b"origin", origin)]), host=host)
    refusal = doors.check(inbound)
    assert refusal is None or (refusal.code, refusal.status) == ("forbidden_origin", 403)
    return refusal is None


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("mcp.example.com", True),
        ("a.tools.example.com", True),
        ("tools.example.com", False), ("example.com", False), ("192.0.2.1", False), ("eviltools.example.com", False),
        ("127.0.0.1.evil.test", False), ("", False),
    ],
)  # fmt: skip
def test_written_hosts_are_the_only_ones_besides_loopback(host, fits):
    assert allowed(Doors(["MCP.example.com", "*.tools.example.com"], []), host) is fits


@pytest.mark.parametrize(
    ("host", "fits"), [("192.0.2.1", True), ("[2001:db8::1]", True), ("any.test", False), ("", False)]
)
def test_without_a_list_plain_addresses_are_served_and_names_are_not(host, fits):
    assert allowed(Doors([], []), host) is fits


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (b"https://app.example.com", True), (b"HTTPS://APP.example.com", True), (b"http://app.example.com", False),
        (b"https://app.example.com:8443", False), (b"http://localhost:1", False), (b"null", False), (b"", False),
    ],
)  # fmt: skip
def test_written_origins_are_the_only_ones(origin, fits):
    assert allowed(Doors([], ["https://app.example.com/"]), origin=origin) is fits


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (b"http://localhost:6274", True), (b"https://127.0.0.1", True), (b"http://[::1]:1", True), (b"null", False),
        (b"http://evil.test", False), (b"file://localhost", False), (b"http://[", False), (b"\xff", False),
    ],
)  # fmt: skip
def test_without_a_list_only_pages_from_loopback_may_call(origin, fits):
    assert allowed(Doors([], []), origin=origin) is fits


def test_any_origin_must_be_written():
    assert allowed(Doors([], ["*"]), origin=b"https://anywhere.test")


def test_any_host_must_be_written():
    assert allowed(Doors(["*"], []), "anywhere.test")


def test_who_is_no_page_is_promised_nothing():
    assert promised(make_inbound()) == []
    assert promised(make_inbound(headers=[(b"origin", b"https://a.test")]))[0][1] == b"https://a.test"


def test_only_a_browsers_question_beforehand_is_a_preflight():
    asked = [(b"access-control-request-method", b"POST")]
    assert preflight(make_inbound("OPTIONS")) is None
    assert preflight(make_inbound("POST", headers=asked)) is None
    names = [name for name, _ in preflight(make_inbound("OPTIONS", headers=asked)).headers]
    assert b"access-control-allow-headers" not in names
