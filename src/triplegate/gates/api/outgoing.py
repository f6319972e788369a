"""The headers of a call as the service sees them, and of its answer as the client does."""

import re
from collections.abc import Mapping
from functools import lru_cache

from triplegate.core.catalog import Target
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.http import Headers, Inbound
from triplegate.core.outgoing import Outgoing, edited
from triplegate.core.policy import Policy
from triplegate.core.ports import Trusts
from triplegate.wire.headers import (
    FORWARDING,
    OWN_PREFIX,
    REQUEST_DROPPED,
    USUAL_CONNECTION,
    add_forwarded,
    add_via,
    check_loop,
    reply_headers,
    request_headers,
)

PSEUDONYM = b"triplegate"
_OWNED = frozenset({b"x-request-id", b"traceparent"})
_CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})
_KEY = re.compile(rb"tg_[a-z]{2,8}_[0-9A-Za-z]{10}_")
_NOTED = REQUEST_DROPPED | FORWARDING | _OWNED | _CREDENTIALS | {b"via"}
_DROPPED_REPLY = frozenset({b"x-request-id"})


def request_fields(exchange: Exchange, trusted: Trusts) -> Headers:
    """End-to-end fields of the client, without its gateway credential; forwarding fields, trace and request id ours.

    Raises Refusal loop_detected when the request has passed here twice.
    """
    inbound = exchange.inbound
    trusts = inbound.peer.address in trusted
    headers = None if trusts else _usual_fields(inbound)
    if headers is None:
        headers = _passed_on(inbound, trusts=trusts)
    headers += ((b"x-request-id", exchange.request_id), (b"traceparent", exchange.trace))
    return headers


def _usual_fields(inbound: Inbound) -> Headers | None:
    """As `_passed_on` in one pass, for a client that is no proxy; None where a field must be looked at closer."""
    kept: Headers = []
    for line in inbound.headers:
        name = line[0]
        if name not in _NOTED:
            if name[:13] != OWN_PREFIX:
                kept.append(line)
        elif name in _CREDENTIALS:
            if not _is_key(line[1]):
                kept.append(line)
        elif name == b"via" or (name == b"connection" and line[1] not in USUAL_CONNECTION):
            return None
    host = _authority(inbound.host, inbound.port)
    kept += (
        (b"x-forwarded-for", inbound.peer.address.encode("ascii", "replace")),
        (b"x-forwarded-proto", inbound.scheme.encode("ascii")),
        (b"x-forwarded-host", host),
        _hop(inbound.http_version),
    )
    return kept


def _passed_on(inbound: Inbound, *, trusts: bool) -> Headers:
    """The client's own fields and those that tell of the hops. Raises Refusal loop_detected."""
    check_loop(inbound.headers, PSEUDONYM)
    headers = request_headers(inbound.headers, trusted=trusts, owned=_OWNED)
    headers = [line for line in headers if line[0] not in _CREDENTIALS or not _is_key(line[1])]
    peer, host = inbound.peer.address, inbound.authority
    add_forwarded(headers, peer=peer, scheme=inbound.scheme, host=host, trusted=trusts)
    add_via(headers, inbound.http_version, PSEUDONYM)
    return headers


@lru_cache(maxsize=1024)
def _authority(host: str, port: int | None) -> bytes:
    """`Inbound.authority`, remembered."""
    name = host.encode("ascii")
    return name if port is None else name + b":%d" % port


@lru_cache(maxsize=8)
def _hop(http_version: str) -> tuple[bytes, bytes]:
    """This hop in a `Via` of its own."""
    return (b"via", http_version.encode("ascii") + b" " + PSEUDONYM)


def _is_key(value: bytes) -> bool:
    """A virtual key is ours alone, whether the route asked for it or not; other credentials are the service's."""
    if b"tg_" not in value:
        return False
    return _KEY.search(value) is not None or any(part.startswith(b"tg_") for part in value.split())


def reply_fields(headers: Headers) -> Headers:
    """End-to-end fields of the service's answer; `Via` added, `Server` ours where it sent none."""
    kept = reply_headers(headers)
    has_server = False
    for name, _ in kept:
        if name == b"server":
            has_server = True
        elif name in _DROPPED_REPLY:
            kept = [line for line in kept if line[0] not in _DROPPED_REPLY]
    if not has_server:
        kept.append((b"server", PSEUDONYM))
    add_via(kept, "1.1", PSEUDONYM)
    return kept


Own = Mapping[Target, tuple[Policy, ...]]
"""What changes in calls to some of a route's services alone."""


def own_fields(own: Own, attempt: Attempt, exchange: Exchange, headers: Headers) -> Headers:
    """The fields of this attempt: `headers` as the policies of its service change them. Raises Refusal."""
    policies = own.get(attempt.target)
    if policies is None:
        return headers
    common = exchange.outgoing
    outgoing = Outgoing() if common is None else Outgoing(common.path, common.query, common.host)
    for policy in policies:
        policy.shape(outgoing, exchange)
    attempt.outgoing = outgoing
    return edited(headers, outgoing.edits)


def shaped_reply(exchange: Exchange, headers: Headers) -> Headers:
    """The reply's fields: first as the policies of the service that answered change them, then as the others do."""
    for attempt in exchange.attempts:
        if attempt.adopted and attempt.outgoing is not None:
            headers = edited(headers, attempt.outgoing.replies)
    return headers if exchange.outgoing is None else edited(headers, exchange.outgoing.replies)
