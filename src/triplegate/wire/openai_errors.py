"""Refusals in the OpenAI dialect: a body, or the last event of a stream."""

import msgspec

from triplegate.core.errors import Refusal

_encode = msgspec.json.Encoder().encode

_PARAMETERS = {"model_not_found": "model"}


def body(refusal: Refusal) -> bytes:
    """`{"error": {message, type, param, code}}`; `code` is the refusal's own code, `param` the field that is wrong."""
    row = refusal.rendering
    return _encode(
        {
            "error": {
                "message": refusal.detail or row.title,
                "type": row.openai,
                "param": _parameter(refusal),
                "code": refusal.code,
            }
        }
    )


def event(refusal: Refusal) -> bytes:
    """The same as an SSE event; official clients raise on it. No `[DONE]` may follow."""
    return b"data: %b\n\n" % body(refusal)


def _parameter(refusal: Refusal) -> str | None:
    named = refusal.payload.get("param", _PARAMETERS.get(refusal.code))
    if named is None and refusal.errors:
        named = refusal.errors[0].pointer.strip("/").replace("/", ".") or None
    return str(named) if named is not None else None
