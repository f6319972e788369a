"""Refusals of the mcp gate: JSON-RPC errors with the status, the challenge or the wait that belongs to them."""

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, OneFrame, Reply
from triplegate.gates.mcp.call import McpCall
from triplegate.wire.jsonrpc import write_error
from triplegate.wire.ratelimit import retry_after

CHALLENGE = (b"www-authenticate", b'Bearer realm="triplegate"')
_IN_BAND = frozenset(
    {
        "content_blocked",
        "content_unseen",
        "resource_not_found",
        "rpc_invalid_params",
        "rpc_method_not_found",
        "tool_not_found",
    }
)
"""In a session these are answers like any other: HTTP 200."""
_LEGACY = {"resource_not_found": -32002}
"""Codes that a session says otherwise."""


def json_reply(content: bytes, status: int = 200, headers: Headers | None = None) -> Reply:
    """A whole JSON reply of our own or of an upstream."""
    fields: Headers = [
        *(headers or ()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"server", b"triplegate"),
    ]
    return Reply(status, fields, OneFrame(content), source="local")


def rpc_refusal(exchange: Exchange, refusal: Refusal) -> Reply:
    """The reply for a refusal, with the request's id where it could be read."""
    call = exchange.call if isinstance(exchange.call, McpCall) else McpCall()
    headers: Headers = [*refusal.headers, (b"cache-control", b"no-store")]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", retry_after(refusal.retry_after, exchange.standings)))
    status = refusal.status
    if status == 401 and not any(name == b"www-authenticate" for name, _ in headers):
        headers.append(CHALLENGE)
    code = None
    if call.era == "legacy" and call.kind == "request" and refusal.code in _IN_BAND:
        status, code = 200, _LEGACY.get(refusal.code)
    return json_reply(write_error(refusal, call.id, code), status, headers)
