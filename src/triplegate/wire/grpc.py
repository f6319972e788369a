"""What gRPC says beside its messages: statuses, deadlines, metadata; between our nouns and its own."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers

Metadata = tuple[tuple[str, str | bytes], ...]
"""Metadata as gRPC libraries have it: values of names that end with -bin are bytes."""

_FROM_HTTP = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
_TO_HTTP = (200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)

_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}

_NAME = re.compile(rb"[0-9a-z_.-]+")
_VALUE = re.compile(rb"[\x20-\x7e]*")
_OURS = frozenset(
    {b"accept-encoding", b"content-length", b"content-type", b"host", b"te", b"trailer", b"user-agent", b"x-grpc-web"}
)
"""What each side of a call writes for itself."""
_DETAILS = b"grpc-status-details-bin"


def from_http(status: int) -> int:
    """The gRPC status of an answer that is plain HTTP; UNKNOWN where nothing fits."""
    return _FROM_HTTP.get(status, 2)


def to_http(code: int) -> int:
    """HTTP status that says about the same as a gRPC status: for records, logs and metrics."""
    return _TO_HTTP[code] if 0 <= code < len(_TO_HTTP) else 500


def parse_timeout(value: bytes) -> float | None:
    """Seconds of a `grpc-timeout`; None when it is malformed."""
    match = _TIMEOUT.fullmatch(value)
    return None if match is None else int(match[1]) * _UNITS[match[2]]


def percent_encoded(message: str) -> bytes:
    """A status message as header value: UTF-8, all but plain ASCII percent-encoded."""
    return b"".join(
        [bytes((byte,)) if 0x20 <= byte <= 0x7E and byte != 0x25 else b"%%%02X" % byte for byte in message.encode()]
    )


def percent_decoded(value: bytes) -> str:
    """A status message out of its header value; what is not UTF-8 is replaced."""
    return unquote_to_bytes(value).decode(errors="replace")


def to_metadata(headers: Headers) -> Metadata:
    """Header fields as metadata, without what gRPC writes itself. Raises Refusal malformed_request."""
    found: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if name in _OURS or (name[:5] == b"grpc-" and name != _DETAILS):
            continue
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise Refusal("malformed_request", "A header field cannot be sent as gRPC metadata.")
        if name[-4:] == b"-bin":
            found.extend((name.decode("ascii"), part) for part in _binary(value))
        else:
            found.append((name.decode("ascii"), value.decode("ascii")))
    return tuple(found)


def _binary(value: bytes) -> list[bytes]:
    """Values of a -bin field: base64, padded or not, several with commas between them."""
    try:
        return [b64decode(part + b"=" * (-len(part) % 4), validate=True) for part in value.split(b",")]
    except Base64Error:
        raise Refusal("malformed_request", "A -bin field is not base64.") from None


def from_metadata(metadata: Iterable[tuple[str, str | bytes]] | None) -> Headers:
    """Metadata as header fields; bytes become unpadded base64, as on the wire."""
    found: Headers = []
    for key, value in metadata or ():
        name = key.encode("ascii")
        if name in _OURS or (name[:5] == b"grpc-" and name != _DETAILS):
            continue
        plain = value if isinstance(value, bytes) else value.encode("latin-1", "replace")
        found.append((name, b64encode(plain).rstrip(b"=") if name[-4:] == b"-bin" else plain))
    return found


def status_fields(code: int, message: str, trailers: Headers) -> Headers:
    """`grpc-status`, `grpc-message` where there is one, and the trailers."""
    fields = [(b"grpc-status", b"%d" % code)]
    if message:
        fields.append((b"grpc-message", percent_encoded(message)))
    return fields + trailers


def health_question(service: str) -> bytes:
    """A grpc.health.v1 HealthCheckRequest about a service; empty: about the whole server."""
    name = service.encode()
    return b"\n" + len(name).to_bytes(1, "big") + name if name else b""


def is_serving(answer: bytes) -> bool:
    """Whether a grpc.health.v1 HealthCheckResponse says SERVING."""
    return answer == b"\x08\x01"


def is_grpc(content_type: bytes | None) -> bool:
    """Whether a body is gRPC or gRPC-web, in any of their forms."""
    return content_type is not None and content_type[:16].lower() == b"application/grpc"
