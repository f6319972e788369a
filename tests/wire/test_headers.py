"""What is passed on between the two sides (P-1, P-21, P-27, P-28, I-A4)."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.wire.headers import (
    FORWARDING,
    HOP_BY_HOP,
    REQUEST_DROPPED,
    add_forwarded,
    add_via,
    check_loop,
    nominated,
    reply_headers,
    request_headers,
    trailers,
)

KEPT = [(b"accept", b"*/*"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"content-type", b"text/plain")]


def test_p1_hop_by_hop_fields_go_in_both_directions() -> None:
    hops = [(name, b"x") for name in sorted(HOP_BY_HOP)]
    assert request_headers([*hops, *KEPT], trusted=False) == KEPT
    assert reply_headers([*hops, *KEPT]) == KEPT


def test_framing_and_host_are_never_copied_to_the_upstream() -> None:
    assert request_headers([(name, b"1") for name in sorted(REQUEST_DROPPED)], trusted=True) == []


def test_a_reply_keeps_its_length() -> None:
    assert reply_headers([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")]) == [(b"content-length", b"3")]


def test_more_may_go_from_a_reply_than_framing() -> None:
    dropped = HOP_BY_HOP | {b"accept"}
    headers = [(b"connection", b"content-type"), *KEPT]
    assert reply_headers(headers, dropped) == [(b"cookie", b"a=1"), (b"cookie", b"b=2")]


def test_p2_nominated_fields_go_too() -> None:
    headers = [(b"connection", b"close, X-Private ,\tX-Other"), (b"x-private", b"1"), (b"x-other", b"2"), *KEPT]
    assert nominated(headers) == {b"x-private", b"x-other"}
    assert request_headers(headers, trusted=False) == KEPT
    assert reply_headers(headers) == KEPT


def test_te_is_kept_only_for_trailers_and_only_on_request() -> None:
    headers = [(b"te", b"trailers")]
    assert request_headers(headers, trusted=False) == []
    assert request_headers(headers, trusted=False, te_trailers=True) == [(b"te", b"trailers")]
    assert request_headers([(b"te", b"gzip")], trusted=False, te_trailers=True) == []


def test_ia4_a_client_cannot_set_the_gateways_own_headers() -> None:
    claimed = [(b"x-triplegate-consumer", b"admin"), (b"x-triplegate-team", b"a"), (b"x-consumer-id", b"root"), *KEPT]
    assert request_headers(claimed, trusted=True, owned=frozenset({b"x-consumer-id"})) == KEPT
    assert request_headers(claimed, trusted=False, owned=frozenset({b"x-consumer-id"})) == KEPT
    assert trailers(claimed[:2]) == []


def test_p28_what_tells_of_earlier_hops_is_believed_from_trusted_peers_only() -> None:
    claimed = [(name, b"evil") for name in sorted(FORWARDING)]
    assert request_headers([*claimed, *KEPT], trusted=False) == KEPT
    assert request_headers([*claimed, *KEPT], trusted=False, owned=frozenset({b"x"})) == KEPT
    assert request_headers([*claimed, *KEPT], trusted=True) == [*claimed, *KEPT]


def test_the_first_hop_writes_the_forwarding_fields() -> None:
    headers: Headers = []
    add_forwarded(headers, peer="2001:db8::1", scheme="https", host=b"api.test:8080", trusted=False, standard=True)
    assert headers == [
        (b"x-forwarded-for", b"2001:db8::1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"api.test:8080"),
        (b"forwarded", b'for="[2001:db8::1]";proto=https;host="api.test:8080"'),
    ]


def test_behind_a_trusted_proxy_the_peer_is_appended_and_the_rest_kept() -> None:
    headers = [
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-for", b"10.0.0.2"),
    ]
    add_forwarded(headers, peer="10.0.0.1", scheme="http", host=b"in.test", trusted=True, standard=True)
    assert headers == [
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-for", b"203.0.113.9, 10.0.0.2, 10.0.0.1"),
        (b"x-forwarded-host", b"in.test"),
        (b"forwarded", b'for=10.0.0.1;proto=http;host="in.test"'),
    ]


def test_via_names_each_hop_in_order() -> None:
    headers: Headers = [(b"accept", b"*/*")]
    add_via(headers, "1.1", b"gate-a")
    add_via(headers, "2", b"gate-b")
    assert headers == [(b"accept", b"*/*"), (b"via", b"1.1 gate-a, 2 gate-b")]


@pytest.mark.parametrize(
    ("via", "loops"),
    [
        ([], False),
        ([b"1.1 me"], False),
        ([b"1.1 me, 1.1 other, 1.1 me"], True),
        ([b"1.1 me (comment)", b"2 me"], True),
        ([b"1.1 other, HTTP/1.1 menot, 1.1 me"], False),
    ],
)
def test_p28_ourselves_twice_in_via_is_a_loop(via: list[bytes], loops: bool) -> None:
    headers = [(b"via", value) for value in via]
    if not loops:
        check_loop(headers, b"me")
        return
    with pytest.raises(Refusal) as caught:
        check_loop(headers, b"me")
    assert caught.value.status == 508


@pytest.mark.parametrize(
    "name", [b"authorization", b"host", b"x-forwarded-for", b"content-length", b"set-cookie", b"transfer-encoding"]
)
def test_p21_forbidden_trailers_are_discarded(name: bytes) -> None:
    assert trailers([(name, b"x"), (b"grpc-status", b"0"), (b"x-checksum", b"1")]) == [
        (b"grpc-status", b"0"),
        (b"x-checksum", b"1"),
    ]


@pytest.mark.parametrize("trusted", [False, True])
def test_s5_a_client_certificate_in_a_header_is_nobodys_word(trusted: bool) -> None:
    lines = [(b"client-cert", b":MIIB:"), (b"client-cert-chain", b":MIIB:"), (b"accept", b"a")]
    assert request_headers(lines, trusted=trusted) == [(b"accept", b"a")]
