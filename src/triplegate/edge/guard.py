"""The edge guard: one canonical request, or the refusal of what could be read in two ways."""

import re
from collections.abc import Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Body, Headers, Inbound, Peer
from triplegate.wire.target import canonical_path, check_query, parse_authority


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a request head may hold (reliability P-33)."""

    target: int = 8192
    """Bytes of the request target; more is 414."""
    header_bytes: int = 65536
    """Bytes of all names and values; more is 431."""
    headers: int = 100
    """Field lines; more is 431."""
    merge_slashes: bool = True


LIMITS = Limits()


class Canonical(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The request's head as everyone reads it, and what its framing says about the body."""

    listener: str
    method: str
    scheme: str
    host: str
    port: int | None
    path: str
    """Canonical path, or `*` (only with OPTIONS)."""
    query: bytes
    headers: Headers
    peer: Peer
    http_version: str
    content_length: int | None
    chunked: bool
    expect_continue: bool

    @property
    def has_body(self) -> bool:
        """Whether the framing announces a body. HTTP/2 may send one without announcing it."""
        return self.chunked or bool(self.content_length) or (self.http_version == "2" and self.method not in _BODILESS)

    def inbound(self, body: Body, client: str = "", *, deadline: float | None = None) -> Inbound:
        """The noun for the gates; `client` is the address behind trusted proxies, `deadline` in monotonic seconds."""
        return Inbound(
            self.listener,
            self.method,
            self.scheme,
            self.host,
            self.port,
            self.path,
            self.query,
            self.headers,
            self.peer,
            body,
            client or self.peer.address,
            http_version=self.http_version,
            deadline=deadline,
        )


_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"})
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_VERSIONS = {"1.1": "1.1", "2": "2", "1": "1.0", "1.0": "1.0", "2.0": "2"}
_ALLOW = (b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")

_NAME = b"abcdefghijklmnopqrstuvwxyz0123456789-!#$%&'*+.^`|~"
"""RFC 9110 token in lower case, without the underscore (X_User and X-User are one to CGI-like upstreams)."""
_VALUE = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
_DIGITS = re.compile(rb"[0-9]{1,19}")

_OVERRIDES = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})

_HARMLESS = frozenset({b"keep-alive", b"close", b"Upgrade", b"upgrade", b"Keep-Alive", b"Close"})
_PROTECTED = frozenset(
    {
        b"authorization", b"host", b"cache-control", b"cookie", b"forwarded", b"via", b"expect", b"origin", b"accept",
        b"x-api-key", b"api-key", b"x-real-ip", b"x-request-id", b"traceparent", b"tracestate", b"baggage",
        b"idempotency-key", b"range", b"if-match", b"if-none-match", b"if-modified-since", b"last-event-id",
    }
)  # fmt: skip
_PROTECTED_PREFIXES = (b"content-", b"x-forwarded-", b"x-triplegate-", b"mcp-", b"anthropic-", b"openai-")


class _Head:
    """What the header lines said about routing and framing."""

    __slots__ = ("chunked", "expect", "headers", "host", "length", "rewritten", "single")

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.host: bytes | None = None
        self.length: int | None = None
        self.chunked = False
        self.expect = False
        self.rewritten = False
        """Lines must go or be joined before anyone reads them."""
        self.single: list[bytes] = []


def canonical(
    listener: str,
    method: str,
    raw_target: bytes,
    headers: Headers,
    http_version: str,
    scheme: str,
    peer: Peer,
    limits: Limits = LIMITS,
) -> Canonical | Refusal:
    """The canonical request, or the refusal the gate should render; never raises.

    `raw_target` is the target as sent (path, or absolute form, with `?` and query). Refusals that leave the
    message's framing in doubt carry `connection: close` on HTTP/1 (RFC 9112 §6.3).
    """
    try:
        version = _VERSIONS.get(http_version)
        if version is None:
            raise Refusal("malformed_request", "The HTTP version is not supported.")
        if method not in _METHODS:
            _check_method(method)
        if len(raw_target) > limits.target:
            raise Refusal("uri_too_long", f"The request target is longer than {limits.target} bytes.")
        head = _read_headers(headers, version, limits)
        if head.host is None:
            raise Refusal("invalid_host", "The Host header is missing.")
        host, port = parse_authority(head.host)
        raw_path, mark, query = raw_target.partition(b"?")
        if raw_path[:1] != b"/":
            raw_path = _other_form(method, raw_path, scheme, (host, port))
        path = raw_path if raw_path == b"*" else canonical_path(raw_path, merge_slashes=limits.merge_slashes)
        if mark:
            if raw_path == b"*":
                raise Refusal("malformed_request", "The asterisk form takes no query.")
            check_query(query)
    except Refusal as refusal:
        if http_version[:1] == "1":
            refusal.headers = [*refusal.headers, (b"connection", b"close")]
        return refusal.with_traceback(None)
    return Canonical(
        listener,
        method,
        scheme,
        host,
        port,
        path.decode("ascii"),
        query,
        head.headers,
        peer,
        version,
        head.length,
        head.chunked,
        head.expect,
    )


def _check_method(method: str) -> None:
    if method == "CONNECT":
        raise Refusal("method_not_supported", "CONNECT is not supported.", headers=[_ALLOW])
    if not _METHOD.fullmatch(method):
        raise Refusal("malformed_request", "The method is not a token of at most 32 characters.")
    if method.upper() in _METHODS or method.upper() == "CONNECT":
        # `delete` is not DELETE here, but may be to an upstream
        raise Refusal("malformed_request", "Methods are case-sensitive.")


def _other_form(method: str, target: bytes, scheme: str, host: tuple[str, int | None]) -> bytes:
    """The path of an asterisk-form or absolute-form target (RFC 9112 §3.2)."""
    if target == b"*" and method == "OPTIONS":
        return target
    start = target[:8].lower()
    if not start.startswith((b"http://", b"https://")):
        raise Refusal("malformed_request", "The request target must be a path.")
    named, _, rest = target.partition(b"://")
    authority, slash, path = rest.partition(b"/")
    default = 443 if scheme == "https" else 80
    name, port = parse_authority(authority)
    if named.lower().decode("ascii") != scheme or (name, port or default) != (host[0], host[1] or default):
        raise Refusal("invalid_host", "The request target and the Host header name different origins.")
    if slash:
        return slash + path
    return b"*" if method == "OPTIONS" else b"/"


def _read_headers(headers: Headers, version: str, limits: Limits) -> _Head:
    if len(headers) > limits.headers:
        raise Refusal("headers_too_large", f"More than {limits.headers} header lines.")
    names = b"".join([name for name, _ in headers])
    values = b"".join([value for _, value in headers])
    if len(names) + len(values) > limits.header_bytes:
        raise Refusal("headers_too_large", f"The header block is larger than {limits.header_bytes} bytes.")
    if names.translate(None, _NAME):
        headers = _lower_names(headers, version)
    if values.translate(None, _VALUE):
        raise Refusal("malformed_request", "A header value holds a control character.")
    head = _Head(headers)
    for name, value in headers:
        reader = _READERS.get(name)
        if reader is not None:
            reader(head, value, version)
    if head.chunked and head.length is not None:
        raise Refusal("malformed_request", "Content-Length and Transfer-Encoding came together.")
    if head.rewritten:
        head.headers = _rewrite(headers)
    return head


def _rewrite(headers: Headers) -> Headers:
    """Without method overrides, and with all Cookie lines as one (RFC 9113 §8.2.3): all readers see all of them."""
    kept = [line for line in headers if line[0] not in _OVERRIDES and line[0] != b"cookie"]
    cookies = [value for name, value in headers if name == b"cookie"]
    return [*kept, (b"cookie", b"; ".join(cookies))] if cookies else kept


def _lower_names(headers: Headers, version: str) -> Headers:
    lowered: Headers = []
    for name, value in headers:
        if name == b":authority" and version == "2":
            lowered.append((b"host", value))
            continue
        lower = name.lower()
        if lower.translate(None, _NAME):
            wrong = "an underscore" if b"_" in lower else "a character that is not allowed"
            raise Refusal("malformed_request", f"A header name holds {wrong}.")
        lowered.append((lower, value))
    return lowered


def _read_host(head: _Head, value: bytes, version: str) -> None:
    if head.host is not None:
        raise Refusal("invalid_host", "More than one Host header.")
    head.host = value


def _read_length(head: _Head, value: bytes, version: str) -> None:
    if head.length is not None:
        raise Refusal("malformed_request", "More than one Content-Length.")
    if not _DIGITS.fullmatch(value) or int(value) >= 1 << 63:
        raise Refusal("malformed_request", "Content-Length is not a decimal number.")
    head.length = int(value)


def _read_encoding(head: _Head, value: bytes, version: str) -> None:
    if version != "1.1" or head.chunked or value.lower() != b"chunked":
        raise Refusal("malformed_request", "Transfer-Encoding must be exactly one 'chunked', on HTTP/1.1.")
    head.chunked = True


def _read_connection(head: _Head, value: bytes, version: str) -> None:
    if value in _HARMLESS and version != "2":
        return
    if version == "2":
        raise Refusal("malformed_request", "A connection header came over HTTP/2.")
    for option in value.split(b","):
        name = option.strip(b" \t").lower()
        if name in _PROTECTED or name.startswith(_PROTECTED_PREFIXES):
            raise Refusal("malformed_request", "Connection nominates a header that the gateway relies on.")


def _read_expect(head: _Head, value: bytes, version: str) -> None:
    if value.lower() != b"100-continue":
        raise Refusal("expectation_failed", "Only 100-continue can be expected.")
    head.expect = version == "1.1"


def _read_te(head: _Head, value: bytes, version: str) -> None:
    if version == "2" and value.lower() != b"trailers":
        raise Refusal("malformed_request", "TE over HTTP/2 may only say 'trailers'.")


def _read_override(head: _Head, value: bytes, version: str) -> None:
    """Nobody here acts on a method override, so nobody behind may (P-32)."""
    head.rewritten = True


def _read_hop(head: _Head, value: bytes, version: str) -> None:
    if version == "2":
        raise Refusal("malformed_request", "A connection header came over HTTP/2.")


def _read_nameless(head: _Head, value: bytes, version: str) -> None:
    raise Refusal("malformed_request", "A header has no name.")


def _once(name: bytes) -> Callable[[_Head, bytes, str], None]:
    """A reader for a field that a policy acts on: of two, we and an upstream could believe different ones."""

    def read(head: _Head, value: bytes, version: str) -> None:
        if name not in head.single:
            head.single.append(name)
        elif name == b"cookie":
            head.rewritten = True
        else:
            raise Refusal("malformed_request", f"More than one {name.decode('ascii')} header.")

    return read


_READERS: dict[bytes, Callable[[_Head, bytes, str], None]] = {
    b"host": _read_host,
    b"content-length": _read_length,
    b"transfer-encoding": _read_encoding,
    b"connection": _read_connection,
    b"expect": _read_expect,
    b"te": _read_te,
    b"keep-alive": _read_hop,
    b"proxy-connection": _read_hop,
    b"upgrade": _read_hop,
    b"": _read_nameless,
    **dict.fromkeys(_OVERRIDES, _read_override),
    **{name: _once(name) for name in (b"authorization", b"content-type", b"cookie", b"origin", b"x-api-key")},
}
