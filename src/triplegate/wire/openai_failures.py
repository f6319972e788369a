"""What a failure of OpenAI or of its relatives means: their error objects, codes and texts."""

from collections.abc import Iterable

import msgspec

from triplegate.core.http import Headers
from triplegate.wire.neutral_events import ErrorClass, Failed

NOTHING = msgspec.Raw(b"")
_Word = str | int | float | bool | None


class _Metadata(msgspec.Struct, gc=False):
    raw: msgspec.Raw = NOTHING


class _Inner(msgspec.Struct, gc=False):
    code: _Word = None


class _Error(msgspec.Struct):
    message: msgspec.Raw = NOTHING
    type: _Word = None
    code: _Word = None
    param: _Word = None
    status: _Word = None
    status_code: _Word = None
    metadata: _Metadata | None = None
    innererror: _Inner | None = None


class _Body(msgspec.Struct):
    error: msgspec.Raw = NOTHING
    detail: msgspec.Raw = NOTHING
    """FastAPI's word."""


_body = msgspec.json.Decoder(_Body | list[_Body]).decode
_error = msgspec.json.Decoder(_Error).decode
_string = msgspec.json.Decoder(str).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOT_SAID = frozenset({b"", b"null"})
_LONGEST = 2048

_CONTEXT = (
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "too large for model",
    "input tokens exceed",
    "reduce the length",
    "string_above_max_length",
)
_POLICY = (
    "content_filter",
    "content_policy",
    "content policy",
    "content management policy",
    "responsibleaipolicy",
    "safety system",
    "usage policies",
    "usage policy",
    "was flagged",
    "moderation_blocked",
    "requires moderation",
    "violates our",
)
_KEY = (
    "insufficient_quota",
    "insufficient balance",
    "insufficient credits",
    "billing_hard_limit",
    "billing_not_active",
    "invalid_api_key",
    "incorrect api key",
    "invalid api key",
    "account_deactivated",
    "authentication_error",
    "permission_error",
)
_RATE = ("rate_limit", "rate limit", "too many requests", "tokens_exceeded", "rate_exceeded")
_OVERLOAD = ("overloaded", "over capacity", "capacity exceeded", "service_unavailable", "slow_down", "no healthy")
_MODEL = ("model_not_found", "deploymentnotfound", "unknown_model", "invalid_model", "model not found", "no such model")
_MODEL_TEXT = ("does not exist", "not exist", "is not a valid model", "no endpoints found", "not found, try pulling")
_CLIENT = ("invalid_request", "tool_use_failed", "bad_request", "unsupported", "invalid_value")

_BY_STATUS: dict[int, ErrorClass] = {
    401: "credential",
    402: "credential",
    403: "credential",
    404: "model_missing",
    408: "transient",
    425: "transient",
    429: "rate",
    498: "overload",
    499: "transient",
    503: "overload",
    529: "overload",
}
_BY_WORDS: tuple[tuple[tuple[str, ...], ErrorClass], ...] = (
    (_KEY, "credential"),
    (_RATE, "rate"),
    (_OVERLOAD, "overload"),
    (_MODEL, "model_missing"),
    (_CLIENT, "client"),
)


def read_error(status: int, headers: Headers, body: bytes) -> Failed:
    """What the failure means; never raises."""
    return _failed(status, _said(body))


def read_in_band(raw: msgspec.Raw | bytes) -> Failed:
    """The same for the `error` member of an event or body that came with status 200, or for such an event itself."""
    said = _object(raw)
    number = next((n for n in (_number(said.status_code), _number(said.code), _number(said.status)) if n), 0)
    return _failed(number, said)


def _said(body: bytes) -> _Error:
    try:
        outer = _body(body)
    except _BROKEN:
        return _Error()
    if isinstance(outer, list):
        outer = outer[0] if outer else _Body()
    if bytes(outer.error) not in _NOT_SAID:
        said = _object(outer.error)
        return said if len(said.message) else msgspec.structs.replace(said, message=_object(body).message)
    if len(outer.detail):
        return _Error(message=outer.detail)
    return _object(body)


def _object(raw: msgspec.Raw | bytes) -> _Error:
    try:
        return _error(raw)
    except _BROKEN:
        return _Error(message=msgspec.Raw(bytes(raw)[:_LONGEST]))


def _number(word: _Word) -> int:
    try:
        number = int(word) if word is not None else 0
    except (ValueError, OverflowError):
        return 0
    return number if 400 <= number < 600 else 0


def _failed(status: int, said: _Error) -> Failed:
    message = _text(said.message)
    if said.metadata is not None and len(said.metadata.raw):
        message = f"{message}: {_text(said.metadata.raw)}"  # OpenRouter quotes who failed behind it
    words = [str(word) for word in (said.code, said.type) if word is not None]
    inner = said.innererror.code if said.innererror is not None else None
    if inner is not None:
        words.append(str(inner))
    kind = _kind(status, " ".join(words).lower(), message.lower())
    param = said.param if isinstance(said.param, str) else ""
    return Failed(kind, message, status, words[0] if words else "", param=param)


def _text(raw: msgspec.Raw) -> str:
    """A string as it reads, anything else as it stands."""
    if bytes(raw) in _NOT_SAID:
        return ""
    try:
        return _string(raw)[:_LONGEST]
    except _BROKEN:
        return bytes(raw)[:_LONGEST].decode("utf-8", "replace")


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)


def _kind(status: int, code: str, message: str) -> ErrorClass:
    both = f"{code} {message}"
    if status in (0, 400, 403, 413, 422, 500) and _holds(both, _CONTEXT):
        return "context_window"
    if status in (0, 400, 403, 422) and _holds(both, _POLICY):
        return "content_policy"
    if _holds(both, _KEY):
        return "credential"
    if _holds(code, _MODEL) or (status in (0, 400, 404) and "model" in message and _holds(message, _MODEL_TEXT)):
        return "model_missing"
    if status == 0:
        return next((kind for words, kind in _BY_WORDS if _holds(both, words)), "transient")
    return _BY_STATUS.get(status) or ("client" if 400 <= status < 500 else "transient")
