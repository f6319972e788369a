"""What ties a caller to an endpoint: a header, a cookie (given where there is none), a parameter, the caller itself."""

import secrets
from collections.abc import Callable
from urllib.parse import unquote_plus

from triplegate.config.documents_service import HashDocument
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers

Key = Callable[[Exchange], bytes | None]


def affinity(document: HashDocument) -> Key:
    """How the key of a call is found; it is None where the call has none, which then goes to whose turn it is."""
    if document.header is not None:
        return _of_header(document.header.encode("ascii"))
    if document.cookie is not None:
        return _Sticky(document.cookie, document.ttl).key
    if document.query is not None:
        return _of_query(document.query.encode("ascii"))
    return {"consumer": _consumer, "address": _address, "path": _path}[document.by or "path"]


def _of_header(name: bytes) -> Key:
    return lambda exchange: exchange.inbound.header(name)


def _of_query(name: bytes) -> Key:
    def key(exchange: Exchange) -> bytes | None:
        for part in exchange.inbound.query.split(b"&"):
            found, _, value = part.partition(b"=")
            if found == name:
                return unquote_plus(value.decode("latin-1")).encode()
        return None

    return key


def _consumer(exchange: Exchange) -> bytes | None:
    principal = exchange.principal
    if principal is None or principal.method == "none":
        return None  # everyone without a name would be one caller
    return f"{principal.team_ref}/{principal.consumer}".encode()


def _address(exchange: Exchange) -> bytes | None:
    return exchange.inbound.client.encode() or None


def _path(exchange: Exchange) -> bytes | None:
    return exchange.inbound.path.encode("ascii")


class _Sticky:
    """A cookie; with a time to live it is given to callers that have none."""

    def __init__(self, name: str, ttl: float | None) -> None:
        self._name = name.encode("ascii")
        self._mark = f"sticky:{name}"
        self._ttl = ttl

    def key(self, exchange: Exchange) -> bytes | None:
        found = cookie(exchange.inbound.headers, self._name)
        if found or self._ttl is None:
            return found
        if exchange.marks is None:
            exchange.marks = {}
        given: bytes | None = exchange.marks.get(self._mark)
        if given is None:  # else it was given at the first attempt
            given = exchange.marks[self._mark] = secrets.token_hex(16).encode("ascii")
            secure = b"; Secure" if exchange.inbound.scheme == "https" else b""
            value = b"%b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b" % (
                self._name,
                given,
                max(1, round(self._ttl)),
                secure,
            )
            exchange.reply_headers.append((b"set-cookie", value))
        return given


def cookie(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first cookie of that name (RFC 6265 §4.2); None when there is none or it is empty."""
    for field, line in headers:
        if field == b"cookie":
            for part in line.split(b";"):
                found, _, value = part.strip().partition(b"=")
                if found == name and value:
                    return value
    return None
