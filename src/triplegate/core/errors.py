"""The one refusal and the one table of codes; each gate renders it in its own dialect."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from triplegate.core.http import Headers


class Code(msgspec.Struct, frozen=True, gc=False):
    """How a refusal looks in each dialect."""

    status: int
    title: str
    openai: str = "invalid_request_error"
    """`error.type` of the OpenAI dialect; `error.code` is the refusal's own code."""
    anthropic: str = "invalid_request_error"
    jsonrpc: int = -32000
    grpc: int = 2


def _client(status: int, title: str, *, jsonrpc: int = -32600, grpc: int = 3) -> Code:
    return Code(status, title, "invalid_request_error", "invalid_request_error", jsonrpc, grpc)


def _upstream(status: int, title: str, *, grpc: int = 14) -> Code:
    return Code(status, title, "server_error", "api_error", -32003, grpc)


_AUTH = ("authentication_error", "authentication_error", -32001, 16)
_LIMIT = ("rate_limit_error", "rate_limit_error", -32002, 8)
_BUSY = ("server_error", "overloaded_error", -32004, 14)

CODES: Mapping[str, Code] = MappingProxyType(
    {
        # the edge: what could be read in two ways is not read at all
        "malformed_request": _client(400, "The request is malformed"),
        "invalid_host": _client(400, "The Host header is missing or malformed"),
        "ambiguous_path": _client(400, "The path can be read in more than one way"),
        "uri_too_long": _client(414, "The request target is too long"),
        "headers_too_large": _client(431, "The header block is too large", grpc=8),
        "body_too_large": _client(413, "The body is larger than the limit", grpc=8),
        "head_timeout": _client(408, "The head did not arrive in time"),
        "message_too_large": _client(413, "A message is larger than the limit", grpc=8),
        "body_timeout": _client(408, "The body did not arrive in time"),
        "expectation_failed": _client(417, "The expectation is not supported"),
        "websocket_not_served": _client(400, "WebSocket is not served here", grpc=12),
        "method_not_supported": _client(405, "The method is not supported here", grpc=12),
        "misdirected": _client(421, "This host is not served here", grpc=5),
        "loop_detected": _client(508, "The request has been here before"),
        "forbidden_origin": Code(403, "This origin may not call", "permission_error", "permission_error", -32001, 7),
        # reading
        "route_not_found": _client(404, "No route matches", jsonrpc=-32601, grpc=12),
        "invalid_body": _client(400, "The body cannot be read", jsonrpc=-32700),
        "invalid_query": _client(400, "The query cannot be read", jsonrpc=-32602),
        "unsupported_media_type": _client(415, "The content type is not supported"),
        "model_not_found": Code(404, "No such model", "invalid_request_error", "not_found_error", -32602, 5),
        "mcp_server_unknown": _client(400, "No such MCP server", jsonrpc=-32602),
        "prompt_not_found": Code(404, "No such prompt", "invalid_request_error", "not_found_error", -32602, 5),
        "prompt_invalid": _client(400, "The prompt cannot be filled in this way", jsonrpc=-32602),
        "no_deployment": _client(400, "No deployment of the model takes such a call", jsonrpc=-32602),
        "unsupported_endpoint": Code(404, "No such endpoint", "invalid_request_error", "not_found_error", -32601, 12),
        "unsupported_parameter": _client(400, "The model's provider cannot carry a parameter", jsonrpc=-32602),
        "context_length_exceeded": _client(400, "The request is larger than the model can hold", jsonrpc=-32602),
        "content_blocked": _client(400, "A guard forbids what the call or its answer says", jsonrpc=-32602),
        "content_unseen": _client(400, "A guard cannot look at such a call or its answer", jsonrpc=-32602),
        "content_policy": _client(400, "The provider's content policy forbids the request", jsonrpc=-32602),
        "previous_response_not_found": _client(400, "The previous response is not kept", jsonrpc=-32602),
        "response_not_found": Code(404, "No such response", "invalid_request_error", "not_found_error", -32602, 5),
        "origin_gone": _client(409, "The deployment that holds this state cannot be reached", jsonrpc=-32602),
        # identity and access
        "unauthenticated": Code(401, "Credentials are required", *_AUTH),
        "invalid_credentials": Code(401, "The credentials are not valid", *_AUTH),
        "forbidden": Code(403, "This caller may not do that", "permission_error", "permission_error", -32001, 7),
        "insufficient_scope": Code(403, "A scope is missing", "permission_error", "permission_error", -32001, 7),
        # limits and money
        "quota_exceeded": Code(429, "Too many requests", *_LIMIT),
        "concurrency_exceeded": Code(429, "Too many calls at once", *_LIMIT),
        "larger_than_limit": _client(400, "The call is larger than a limit allows at all", jsonrpc=-32602, grpc=8),
        "budget_exceeded": Code(429, "The budget is spent", "insufficient_quota", "rate_limit_error", -32002, 8),
        "price_unknown": Code(403, "The model's price is unknown", "permission_error", "permission_error", -32001, 9),
        "entry_not_found": Code(404, "No such entry", "invalid_request_error", "not_found_error", -32602, 5),
        "not_cached": Code(504, "There is no remembered answer", "invalid_request_error", "not_found_error", -32004, 5),
        # ourselves
        "policy_unavailable": Code(503, "A security policy of this route cannot decide", *_BUSY),
        "guard_unavailable": Code(503, "A guard that must judge the call or its answer cannot be asked", *_BUSY),
        "overloaded": Code(503, "The gateway is at its limit", *_BUSY),
        "deadline_exceeded": Code(504, "The caller's deadline has passed", "server_error", "api_error", -32003, 4),
        "draining": Code(503, "The gateway is shutting down", *_BUSY),
        "ledger_full": Code(503, "The ledger cannot take another billed call", *_BUSY),
        "ledger_unavailable": Code(503, "The ledger cannot be asked", *_BUSY),
        "no_backend": Code(500, "The route has no usable backend", "server_error", "api_error", -32003, 14),
        "no_endpoint": Code(503, "The backend has no endpoint that is ready", "server_error", "api_error", -32003, 14),
        "internal": Code(500, "The gateway failed", "server_error", "api_error", -32603, 13),
        # upstreams
        "upstream_unreachable": _upstream(502, "The upstream cannot be reached"),
        "upstream_reset": _upstream(502, "The upstream closed the connection"),
        "upstream_malformed": _upstream(502, "The upstream's answer is malformed", grpc=13),
        "upstream_timeout": _upstream(504, "The upstream did not answer in time", grpc=4),
        "upstream_open": _upstream(503, "The upstream failed too often and is left alone for a while"),
        "upstream_busy": _upstream(503, "All connections to the upstream are in use"),
        "upstream_failed": _upstream(502, "The upstream failed"),
        "upstream_credentials": _upstream(502, "The upstream refused the gateway's credentials"),
        "upstream_credentials_exhausted": _upstream(502, "No credential is accepted by the upstream any more"),
        "upstream_overloaded": Code(503, "The upstream is overloaded", *_BUSY),
        "upstream_model_missing": _upstream(502, "The upstream does not know the model"),
        "upstream_refused": _client(400, "The upstream refused the request"),
        "upstream_rate_limited": Code(429, "The upstream's own limit is reached", *_LIMIT),
        # JSON-RPC and MCP (specification 2026-07-28: -32020 … are the specification's own)
        "rpc_parse_error": _client(400, "The body is not JSON", jsonrpc=-32700),
        "rpc_invalid_request": _client(400, "Not a JSON-RPC request", jsonrpc=-32600),
        "rpc_method_not_found": _client(404, "No such method", jsonrpc=-32601, grpc=12),
        "rpc_invalid_params": _client(400, "The parameters are not valid", jsonrpc=-32602),
        "rpc_header_mismatch": _client(400, "A header does not match the body", jsonrpc=-32020),
        "rpc_missing_capability": _client(400, "The client lacks a capability", jsonrpc=-32021),
        "rpc_unsupported_version": _client(400, "The protocol version is not supported", jsonrpc=-32022),
        "approval_declined": _client(200, "The call was not approved", jsonrpc=-32000, grpc=7),
        "approval_expired": _client(200, "Nobody approved the call in time", jsonrpc=-32000, grpc=4),
        "approval_unavailable": _client(503, "Nobody can be asked to approve the call now", jsonrpc=-32000, grpc=14),
        "question_unanswered": _client(408, "A question was not answered", jsonrpc=-32000, grpc=4),
        "call_cancelled": _client(499, "The caller cancelled the call", jsonrpc=-32000, grpc=1),
        "session_not_found": _client(404, "No such session", jsonrpc=-32001, grpc=5),
        "arguments_forbidden": _client(200, "A rule forbids the call with these arguments", jsonrpc=-32602, grpc=7),
        "arguments_invalid": _client(200, "The arguments do not fit the tool's schema", jsonrpc=-32602),
        "result_invalid": _upstream(502, "The tool's result does not fit its schema"),
        "result_too_large": _upstream(502, "The tool's result is larger than allowed"),
        "tool_not_found": _client(200, "No such tool", jsonrpc=-32602, grpc=5),
        "resource_not_found": _client(400, "No such resource", jsonrpc=-32602, grpc=5),
    }
)


class Fault(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with a document or a body: where (JSON pointer) and what."""

    pointer: str
    message: str


class Refusal(Exception):
    """A call that is not carried out; raised anywhere, rendered once by the gate.

    `detail` is for the client, `reason` for log and explain only. `retry_after` is in seconds.
    """

    __slots__ = ("code", "detail", "errors", "headers", "payload", "policy", "reason", "retry_after")

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        reason: str = "",
        policy: str | None = None,
        retry_after: float | None = None,
        headers: Headers | None = None,
        errors: tuple[Fault, ...] = (),
        payload: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.reason = reason or detail
        self.policy = policy
        self.retry_after = retry_after
        self.headers: Headers = headers if headers is not None else []
        self.errors = errors
        self.payload: Mapping[str, object] = payload or {}
        """Extension members: of problem+json, of JSON-RPC `error.data`."""

    @property
    def rendering(self) -> Code:
        """The row of `CODES` this refusal is drawn by."""
        return CODES[self.code]

    @property
    def status(self) -> int:
        """HTTP status."""
        return CODES[self.code].status


class Gone(Exception):
    """The client left while its request was still being read; nothing can be answered any more."""
