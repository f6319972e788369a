"""Who the client is behind proxies (P-28)."""

import pytest
from tests.builders import make_inbound

from triplegate.core.http import Headers
from triplegate.wire.client_address import TrustedProxies, client_scheme, parse_address

TRUSTED = ["10.0.0.0/8", "2001:db8:1::/48"]


def xff(*values: bytes) -> Headers:
    return [(b"x-forwarded-for", value) for value in values]


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("192.0.2.1", xff(b"1.1.1.1"), "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", xff(b"203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", xff(b"6.6.6.6, 203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", xff(b"6.6.6.6, 203.0.113.9, 10.0.0.3"), "203.0.113.9"),
        ("10.0.0.1", xff(b"6.6.6.6", b"203.0.113.9", b"10.0.0.3"), "203.0.113.9"),
        ("10.0.0.1", xff(b"10.0.0.5, 10.0.0.3"), "10.0.0.5"),
        ("10.0.0.1", xff(b"6.6.6.6, garbage, 10.0.0.3"), "10.0.0.3"),
        ("10.0.0.1", xff(b"unknown"), "10.0.0.1"),
        ("10.0.0.1", xff(b""), "10.0.0.1"),
        ("10.0.0.1", xff(b"203.0.113.9:4711"), "203.0.113.9"),
        ("10.0.0.1", xff(b"[2001:db8:2::9]:4711"), "2001:db8:2::9"),
        ("2001:db8:1::5", xff(b"2001:DB8:2:0::9"), "2001:db8:2::9"),
        ("::ffff:10.0.0.1", xff(b"::ffff:203.0.113.9"), "203.0.113.9"),
        ("10.0.0.1", [(b"forwarded", b"for=6.6.6.6")], "10.0.0.1"),
        ("10.0.0.1", [(b"x-real-ip", b"6.6.6.6")], "10.0.0.1"),
    ],
)
def test_p28_the_client_is_the_first_untrusted_address_from_the_right(peer: str, headers: Headers, client: str) -> None:
    assert TrustedProxies(TRUSTED).client(peer, headers) == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (b"for=203.0.113.9", "203.0.113.9"),
        (b'for=6.6.6.6;proto=https, For="203.0.113.9:80";by=10.0.0.2', "203.0.113.9"),
        (b'for="[2001:db8:2::9]:1234";host="a,b"', "2001:db8:2::9"),
        (b"for=6.6.6.6, proto=https", "10.0.0.1"),
        (b"for=6.6.6.6, for=_hidden", "10.0.0.1"),
        (b'for=6.6.6.6, by="x;for=7.7.7.7"', "10.0.0.1"),
    ],
)
def test_the_standard_header_is_read_when_told_so(value: bytes, client: str) -> None:
    proxies = TrustedProxies(TRUSTED, "forwarded")
    assert proxies.client("10.0.0.1", [(b"forwarded", value), (b"x-forwarded-for", b"7.7.7.7")]) == client


def test_nobody_is_trusted_by_default() -> None:
    proxies = TrustedProxies([])
    assert not proxies
    assert proxies.client("10.0.0.1", xff(b"1.2.3.4")) == "10.0.0.1"


def test_verdicts_are_remembered_within_bounds() -> None:
    proxies = TrustedProxies(TRUSTED)
    assert all(f"10.0.{one // 250}.{one % 250}" in proxies for one in range(3000))
    assert "192.0.2.1" not in proxies
    assert len(proxies._seen) <= 1024


def test_a_network_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        TrustedProxies(["10.0.0.0/8", "everyone"])


@pytest.mark.parametrize("text", ["", "1.2.3", "a", "1.2.3.4.5", "::g", "[::1", "1.2.3.4:x", "0x7f.1"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("10.0.0.1", b"https", "https"),
        ("10.0.0.1", b" HTTPS ", "https"),
        ("10.0.0.1", b"http", "http"),
        ("10.0.0.1", None, "http"),
        ("192.0.2.7", b"https", "http"),
    ],
)
def test_p28_the_scheme_is_a_trusted_proxys_word_or_the_connections(peer: str, said: bytes | None, scheme: str) -> None:
    inbound = make_inbound(client=peer, headers=[] if said is None else [(b"x-forwarded-proto", said)])
    assert client_scheme(inbound, TrustedProxies(["10.0.0.0/8"])) == scheme
