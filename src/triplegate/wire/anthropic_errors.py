"""Refusals in the Anthropic dialect: a body, or the `error` event of a stream."""

import msgspec

from triplegate.core.errors import Refusal

_encode = msgspec.json.Encoder().encode

_BY_STATUS = {413: "request_too_large", 504: "timeout_error"}


def body(refusal: Refusal, request_id: str = "") -> bytes:
    """`{"type": "error", "error": {type, message}, "request_id": …}`."""
    row = refusal.rendering
    members: dict[str, object] = {
        "type": "error",
        "error": {"type": _BY_STATUS.get(row.status, row.anthropic), "message": refusal.detail or row.title},
    }
    if request_id:
        members["request_id"] = request_id
    return _encode(members)


def event(refusal: Refusal, request_id: str = "") -> bytes:
    """The same as an SSE event; official clients raise on it. No `message_stop` may follow."""
    return b"event: error\ndata: %b\n\n" % body(refusal, request_id)
