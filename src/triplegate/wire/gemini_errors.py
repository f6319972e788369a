"""What a failure of the Gemini API means: google.rpc statuses, their details and their texts."""

import msgspec

from triplegate.core.http import Headers
from triplegate.wire.neutral_events import ErrorClass, Failed


class _Violation(msgspec.Struct, gc=False):
    field: str | None = None


class _Detail(msgspec.Struct, rename="camel"):
    reason: str | None = None
    retry_delay: str | None = None
    field_violations: list[_Violation] | None = None


class _Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: msgspec.Raw = msgspec.Raw(b"")


class _Body(msgspec.Struct):
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Body | list[_Body]).decode  # streams begin with an array
_error = msgspec.json.Decoder(_Error).decode
_details = msgspec.json.Decoder(list[_Detail] | None).decode

_BY_STATUS: dict[str, ErrorClass] = {
    "UNAUTHENTICATED": "credential",
    "PERMISSION_DENIED": "credential",
    "RESOURCE_EXHAUSTED": "rate",
    "UNAVAILABLE": "overload",
    "INTERNAL": "transient",
    "UNKNOWN": "transient",
    "ABORTED": "transient",
    "CANCELLED": "transient",
    "DEADLINE_EXCEEDED": "transient",
    "NOT_FOUND": "model_missing",
}
_BY_NUMBER: dict[int, ErrorClass] = {
    401: "credential",
    402: "credential",
    403: "credential",
    404: "model_missing",
    429: "rate",
    503: "overload",
    529: "overload",
}
_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED", "BILLING_DISABLED"})
_KEY_TEXTS = ("api key not valid", "api key expired", "api key not found", "location is not supported", "billing")
_CONTEXT_TEXTS = (
    "exceeds the maximum number of tokens",
    "input context is too long",
    "input token count is",
    "exceed the configured limit",
    "maximum context length",
)
_POLICY_TEXTS = (
    "response was blocked",
    "prompt was blocked",
    "prohibited_content",
    "responsible ai",
    "safety filter",
    "safety settings",
    "content policy",
    "usage guidelines",
)
_FILE_TEXTS = ("access the file", "cachedcontent", "cached content")
"""A file or a cached prompt that is not there says nothing against the key or the model."""


def read_error(status: int, headers: Headers, body: bytes) -> Failed:
    """What the failure means; never raises."""
    try:
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = _Body()
    if isinstance(said, list):
        said = said[0] if said else _Body()
    return _failed(status, said.error or _Error())


def read_in_band(raw: msgspec.Raw | bytes) -> Failed:
    """The same for the `error` member of an event or body that came with status 200."""
    try:
        said = _error(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = _Error(message=bytes(raw)[:512].decode("utf-8", "replace"))
    number = int(said.code) if isinstance(said.code, int) else 0
    return _failed(number if 400 <= number < 600 else 0, said)


def _failed(status: int, said: _Error) -> Failed:
    details = _details_of(said.details)
    wait = next((_seconds(one.retry_delay) for one in details if one.retry_delay), None)
    fields = [violation.field for one in details for violation in one.field_violations or () if violation.field]
    reason = next((one.reason for one in details if one.reason), None) or ""
    kind = _kind(status, said, reason)
    return Failed(kind, said.message or "", status, reason or said.status or "", wait, fields[0] if fields else "")


def _details_of(raw: msgspec.Raw) -> list[_Detail]:
    try:
        return _details(raw) or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _kind(status: int, said: _Error, reason: str) -> ErrorClass:
    text = (said.message or "").lower()
    if status in (400, 500, 0) and any(words in text for words in _CONTEXT_TEXTS):
        return "context_window"
    if reason in _KEY_REASONS:
        return "credential"
    if status in (400, 403, 0):
        if any(words in text for words in _KEY_TEXTS):
            return "credential"
        if any(words in text for words in _POLICY_TEXTS):
            return "content_policy"
    if any(words in text for words in _FILE_TEXTS):
        return "client"
    named = _BY_NUMBER.get(status) or _BY_STATUS.get(said.status or "")
    if named is not None:
        return named
    return "client" if 400 <= status < 500 and status not in (408, 499) else "transient"


def _seconds(text: str | None) -> float | None:
    """A google.protobuf.Duration: seconds, possibly with a fraction, and an `s`."""
    digits = (text or "").removesuffix("s")
    if not digits.replace(".", "", 1).isdigit() or len(digits) > 20:
        return None
    return float(digits)
