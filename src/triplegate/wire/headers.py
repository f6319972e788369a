"""Header lines between the two sides: what stays, what goes, and what the gateway adds (RFC 9110 §7.6)."""

from collections.abc import Iterable
from functools import lru_cache

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
"""Fields of one connection: never forwarded (P-1)."""

FORWARDING = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-forwarded-by",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"true-client-ip",
        b"front-end-https",
        b"x-original-host",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-host",
    }
)
"""What tells of earlier hops, or claims to: believed only from trusted proxies (P-28, P-27)."""

OWN_PREFIX = b"x-triplegate-"
"""Headers of the gateway itself; a client's are never passed on (I-A4)."""

CERTIFICATES = frozenset({b"client-cert", b"client-cert-chain"})
"""What tells of a client's certificate (RFC 9440 §2.4): only we may say so to an upstream."""

REQUEST_DROPPED = HOP_BY_HOP | CERTIFICATES | {b"host", b"content-length", b"expect"}
"""Request fields that whoever frames the outgoing message writes anew, and those that are ours to write."""

_TRAILER_FORBIDDEN = (
    HOP_BY_HOP
    | FORWARDING
    | {
        b"authorization",
        b"cookie",
        b"set-cookie",
        b"host",
        b"cache-control",
        b"expires",
        b"date",
        b"age",
        b"vary",
        b"location",
        b"retry-after",
        b"expect",
        b"max-forwards",
        b"pragma",
        b"range",
        b"www-authenticate",
        b"via",
        b"x-api-key",
    }
)


def nominated(headers: Headers) -> frozenset[bytes]:
    """The lower-case names that Connection lines nominate; nearly always none beyond the usual options."""
    names: set[bytes] = set()
    for name, value in headers:
        if name == b"connection" and value not in USUAL_CONNECTION:
            for option in value.split(b","):
                names.add(option.strip(b" \t").lower())
    return frozenset(names - _OPTIONS) if names else _NONE


USUAL_CONNECTION = frozenset({b"keep-alive", b"close", b"Keep-Alive", b"Close", b"Upgrade", b"upgrade"})
"""Values of Connection that nominate nothing."""
_OPTIONS = HOP_BY_HOP | {b"close", b""}
_NONE: frozenset[bytes] = frozenset()


def request_headers(
    headers: Headers, *, trusted: bool, owned: frozenset[bytes] = frozenset(), te_trailers: bool = False
) -> Headers:
    """A client's end-to-end fields, as a new list.

    Without `trusted` (is the peer a trusted proxy?) everything that tells of earlier hops goes too. `owned` are
    further lower-case names that only the gateway may set. `te_trailers` keeps a wish for trailers (gRPC).
    """
    dropped = _dropped(owned, trusted)
    named = nominated(headers)
    if named:
        dropped |= named
    kept = [line for line in headers if line[0] not in dropped and line[0][:13] != OWN_PREFIX]
    if te_trailers and (b"te", b"trailers") in headers:
        kept.append((b"te", b"trailers"))
    return kept


@lru_cache(maxsize=64)
def _dropped(owned: frozenset[bytes], trusted: bool) -> frozenset[bytes]:
    return REQUEST_DROPPED | owned if trusted else REQUEST_DROPPED | FORWARDING | owned


def reply_headers(headers: Headers, dropped: frozenset[bytes] = HOP_BY_HOP) -> Headers:
    """An upstream's end-to-end fields, as a new list; Content-Length stays, the rest of the framing goes.

    `dropped`: HOP_BY_HOP, with whatever else is to go.
    """
    named = nominated(headers)
    if named:
        dropped |= named
    return [line for line in headers if line[0] not in dropped]


def trailers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The trailer fields that may be passed on: no framing, routing, credentials or controls (P-21)."""
    return [
        (name, value)
        for name, value in headers
        if name not in _TRAILER_FORBIDDEN and not name.startswith((b"content-", OWN_PREFIX, b"x-forwarded-"))
    ]


def is_event_stream(headers: Headers) -> bool:
    """Whether a reply is server-sent events: it may go on for as long as both sides like."""
    return any(name == b"content-type" and value[:17].lower() == b"text/event-stream" for name, value in headers)


def add_via(headers: Headers, http_version: str, pseudonym: bytes) -> None:
    """Append this hop to `Via` (RFC 9110 §7.6.3): on a request the client's version, on a reply the upstream's."""
    hop = http_version.encode("ascii") + b" " + pseudonym
    for place, (name, value) in enumerate(headers):
        if name == b"via":
            headers[place] = (b"via", value + b", " + hop)
            return
    headers.append((b"via", hop))


def check_loop(headers: Headers, pseudonym: bytes) -> None:
    """Raise Refusal loop_detected when this gateway already stands in `Via` twice (P-28)."""
    seen = 0
    for name, value in headers:
        if name == b"via":
            for hop in value.split(b","):
                words = hop.split()
                if len(words) > 1 and words[1] == pseudonym:
                    seen += 1
    if seen > 1:
        raise Refusal("loop_detected", "The request has passed this gateway before.")


def add_forwarded(
    headers: Headers, *, peer: str, scheme: str, host: bytes, trusted: bool, standard: bool = False
) -> None:
    """Write X-Forwarded-For, -Proto and -Host, and `Forwarded` (RFC 7239) when `standard`.

    `headers` come from `request_headers` with the same `trusted`: then earlier hops' values are there only when they
    may be believed, and are kept; the address of `peer` is appended.
    """
    address = peer.encode("ascii", "replace")
    if not trusted:
        headers += ((b"x-forwarded-for", address), (b"x-forwarded-proto", scheme.encode("ascii")))
        headers.append((b"x-forwarded-host", host))
        if standard:
            headers.append((b"forwarded", _element(peer, scheme, host)))
        return
    _append(headers, b"x-forwarded-for", address)
    _keep_or_set(headers, b"x-forwarded-proto", scheme.encode("ascii"))
    _keep_or_set(headers, b"x-forwarded-host", host)
    if standard:
        _append(headers, b"forwarded", _element(peer, scheme, host))


def _append(headers: Headers, name: bytes, value: bytes) -> None:
    earlier = [line for key, line in headers if key == name]
    if earlier:
        headers[:] = [line for line in headers if line[0] != name]
    headers.append((name, b", ".join([*earlier, value])))


def _keep_or_set(headers: Headers, name: bytes, value: bytes) -> None:
    if not any(key == name for key, _ in headers):
        headers.append((name, value))


def _element(peer: str, scheme: str, host: bytes) -> bytes:
    node = f'"[{peer}]"' if ":" in peer else peer
    return f'for={node};proto={scheme};host="'.encode("ascii", "replace") + host + b'"'
