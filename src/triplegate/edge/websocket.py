"""WebSocket at the edge, whichever server took the connection: the handshake's rules, and what its codes mean."""

import binascii
from typing import ClassVar

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.core.record import Outcome
from triplegate.edge.duplex import Line
from triplegate.edge.guard import Canonical

_BY_STATUS = {401: 1008, 403: 1008, 404: 1008, 413: 1009, 429: 1013, 503: 1013}
_BROKEN = frozenset({1002, 1003, 1007, 1009, 1011, 1012, 1013, 1014})
"""Codes of an end that nobody wanted."""


def handshake_fault(seen: Canonical) -> Refusal | None:
    """Why a request to open a WebSocket is malformed (RFC 6455 §4.2.1, reliability P-22); None: it is not."""
    if seen.http_version != "1.1" or seen.method != "GET":
        return Refusal("malformed_request", "A WebSocket is opened by GET over HTTP/1.1.")
    if seen.has_body or seen.content_length is not None:
        return Refusal("malformed_request", "A request to open a WebSocket has no body.")
    if _values(seen.headers, b"sec-websocket-version") != [b"13"]:
        return Refusal(
            "malformed_request", "Sec-WebSocket-Version must be 13.", headers=[(b"sec-websocket-version", b"13")]
        )
    keys = _values(seen.headers, b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return Refusal("malformed_request", "Sec-WebSocket-Key must be one key of 16 bytes in base64.")
    return None


def _values(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value.strip() for name, value in headers if name == wanted]


def _is_key(value: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True)) == 16
    except binascii.Error:
        return False


class WebSocketLine(Line):
    """A client's WebSocket; a server's own line sends and receives."""

    normal: ClassVar[int] = 1000
    departs: ClassVar[bool] = True

    def code_of(self, refusal: Refusal) -> int:
        """1001 for the drain, 1008 for lost access, 1009 too large, 1013 try again later, else 1011."""
        return 1001 if refusal.code == "draining" else _BY_STATUS.get(refusal.status, 1011)

    def outcome_of(self, code: int) -> Outcome:
        """An end that one of the two wanted is fine."""
        return "failed" if code in _BROKEN else "ok"
