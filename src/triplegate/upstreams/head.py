"""Writes the head of a request in one piece and judges the head of a reply (RFC 9112)."""

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers

HEAD_LIMIT = 64 * 1024
FIELD_LIMIT = 100

_METHODS = {
    name: name.encode() + b" "
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "QUERY")
}
_WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY"})
"""RFC 9110 §9.2.2, RFC 10008 (QUERY)."""

_GENERATED = frozenset(
    {
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"upgrade",
        b"http2-settings",
        b"expect",
        b"te",
    }
)
"""Framing is always made here, never copied; what is wanted of these comes in as `framing`."""

_BREAKS = b"\r\n\0"
"""What ends a line, or a reader's idea of one: counted in what goes out, so that no value makes a line."""

FORBIDDEN_TRAILERS = frozenset(
    {
        b"authorization",
        b"cache-control",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-range",
        b"content-type",
        b"cookie",
        b"expect",
        b"forwarded",
        b"host",
        b"keep-alive",
        b"location",
        b"max-forwards",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"range",
        b"set-cookie",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"vary",
        b"via",
        b"www-authenticate",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)
"""Discarded from trailers (RFC 9110 §6.5.1): they steer framing, routing, identity or the content's meaning."""


class Malformed(Exception):
    """A reply that may not be relayed; turned into Refusal upstream_malformed."""


def fixed_lines(headers: Headers) -> bytes:
    """Fields that every request to somewhere carries, as `request_head` takes them: judged and joined once.

    Raises Refusal internal as that does.
    """
    return request_head("GET", b"/", headers)[len(b"GET / HTTP/1.1\r\n") : -2]


def request_head(method: str, target: bytes, headers: Headers, framing: bytes = b"", fixed: bytes = b"") -> bytes:
    """Request line, `fixed` lines, fields and `framing` (whole lines) as one bytes.

    Raises Refusal internal, and nothing is sent, when a value would inject a line (CR, LF, NUL) or the target a word.
    """
    verb = _METHODS.get(method)
    if verb is None:
        verb = _unusual(method)
    kept = [field for field in headers if field[0] not in _GENERATED]
    if len(kept) != len(headers):
        for name, value in headers:
            if name == b"te" and b"trailers" in value.lower():
                framing += b"te: trailers\r\nconnection: te\r\n"
    lines = len(kept) + 1 + (framing.count(b"\n") if framing else 0)
    first = verb + target + b" HTTP/1.1\r\n"
    fields = b"\r\n".join(map(b": ".join, kept)) + (b"\r\n" if kept else b"") + framing
    judged = first + fields
    if len(judged) - len(judged.translate(None, _BREAKS)) != 2 * lines or b" " in target or not target:
        raise Refusal("internal", reason="a header value or the target would change the request's syntax")
    return first + fixed + fields + b"\r\n"


def _unusual(method: str) -> bytes:
    if not method.isascii() or not method.replace("-", "").isalnum():
        raise Refusal("internal", reason=f"{method!r} is not a method")
    return method.encode() + b" "


def length_framing(method: str, length: int) -> bytes:
    """Content-Length for a body that is here; none for methods that expect no content (RFC 9110 §8.6)."""
    if length or method in _WITH_CONTENT:
        return b"content-length: %d\r\n" % length
    return b""


def judge(headers: Headers, *, version: str) -> bool:
    """Whether the content is chunked. Raises Malformed on what two readers could read in two ways.

    llhttp has already refused Content-Length that is doubled, invalid, or beside Transfer-Encoding.
    """
    if len(headers) > FIELD_LIMIT:
        raise Malformed(f"more than {FIELD_LIMIT} fields")
    coded = lengths = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            coded += 1
            if value.lower() != b"chunked":
                raise Malformed("a transfer coding other than chunked")
        elif name == b"content-length":
            lengths += 1
    if coded and (coded > 1 or lengths or version == "1.0"):
        raise Malformed("ambiguous framing")
    if lengths > 1:
        raise Malformed("more than one Content-Length")
    return coded == 1


def keep_alive_hint(headers: Headers) -> float | None:
    """Seconds after which the upstream says it closes idle connections (`Keep-Alive: timeout=5`)."""
    for name, value in headers:
        if name == b"keep-alive":
            for part in value.split(b","):
                word, _, number = part.strip().partition(b"=")
                if word.lower() == b"timeout" and number.isdigit() and len(number) < 7:
                    return float(number)
    return None
