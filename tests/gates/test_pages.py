"""Web pages by their origin, as written."""

import pytest
from tests.builders import make_inbound

from triplegate.gates.pages import Origins


def allowed(origins, *values):
    refusal = origins.check(make_inbound(headers=[(b"origin", value) for value in values]))
    assert refusal is None or (refusal.code, refusal.status) == ("forbidden_origin", 403)
    return refusal is None


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (b"https://app.example.com", True), (b"HTTPS://APP.example.com", True), (b"http://app.example.com", False),
        (b"https://app.example.com:8443", False), (b"http://localhost:1", False), (b"null", False), (b"", False),
    ],
)  # fmt: skip
def test_written_origins_are_the_only_ones(origin, fits):
    assert allowed(Origins(["https://app.example.com/"]), origin) is fits


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (b"http://localhost:3000", True), (b"https://127.0.0.1", True), (b"http://[::1]:1", True),
        (b"http://localhost.evil.test", False), (b"https://evil.test", False), (b"file://localhost", False),
        (b"null", False), (b"http://[", False),
    ],
)  # fmt: skip
def test_without_a_list_pages_from_loopback_may_call(origin, fits):
    assert allowed(Origins([]), origin) is fits


def test_any_origin_must_be_written_and_who_says_none_may_call():
    assert allowed(Origins(["*"]), b"https://anywhere.test")
    assert allowed(Origins([]))


def test_each_of_several_must_fit():
    assert not allowed(Origins(["https://a.test"]), b"https://a.test", b"https://b.test")
