"""What an error of Anthropic's means (llm.md §5.1): by its type, its status and, for two classes, its words."""

import re

import msgspec

from triplegate.core.http import Headers
from triplegate.wire.neutral_events import ErrorClass, Failed

_BY_TYPE: dict[str, ErrorClass] = {
    "authentication_error": "credential",
    "permission_error": "credential",
    "billing_error": "credential",
    "rate_limit_error": "rate",
    "overloaded_error": "overload",
    "api_error": "transient",
    "timeout_error": "transient",
    "not_found_error": "model_missing",
    "request_too_large": "context_window",
    "invalid_request_error": "client",
}
_BY_STATUS: dict[int, ErrorClass] = {
    401: "credential",
    402: "credential",
    403: "credential",
    404: "model_missing",
    408: "transient",
    413: "context_window",
    429: "rate",
    503: "overload",
    529: "overload",
}
STATUSES = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "invalid_request_error": 400,
}
"""What a type would be as a status, for errors inside a stream."""
_TOO_LONG = re.compile(
    r"prompt is too long|exceeds? the (?:model.s )?context|context (?:window|length)|too many (?:total )?(?:text )?byte"
    r"|maximum context|input length and .?max_tokens.? exceed",
    re.IGNORECASE,
)
_POLICY = re.compile(r"content filter|usage polic|content polic|violates? our|blocked by", re.IGNORECASE)
_CREDIT = re.compile(r"credit balance|billing", re.IGNORECASE)


class _Error(msgspec.Struct, gc=False):
    type: str | None = None
    message: str | None = None


class _Body(msgspec.Struct, gc=False):
    error: _Error | None = None
    message: str | None = None


_decode = msgspec.json.Decoder(_Body).decode


def read_error(status: int, headers: Headers, body: bytes) -> Failed:
    """What a reply of status 400 or more means; never raises."""
    try:
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = _Body()
    error = said.error or _Error(message=said.message)
    return _failed(status, error.type or "", error.message or "")


def read_in_band(data: bytes) -> Failed:
    """What an `error` event inside a stream means; never raises."""
    try:
        error = _decode(data).error or _Error()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Failed("transient", data[:512].decode("utf-8", "replace"))
    return _failed(0, error.type or "", error.message or "")


def _failed(status: int, kind: str, message: str) -> Failed:
    found = _BY_TYPE.get(kind) or _BY_STATUS.get(status) or ("client" if 400 <= status < 500 else "transient")
    if found == "client":
        if _TOO_LONG.search(message):
            found = "context_window"
        elif _CREDIT.search(message):
            found = "credential"
        elif _POLICY.search(message):
            found = "content_policy"
    return Failed(found, message, status or STATUSES.get(kind, 0), kind)
