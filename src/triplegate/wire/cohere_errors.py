"""What a failure of Cohere's API means: it says a status and a sentence."""

import msgspec

from triplegate.core.http import Headers
from triplegate.wire.neutral_events import ErrorClass, Failed


class _Error(msgspec.Struct, gc=False):
    message: str | None = None


_decode = msgspec.json.Decoder(_Error).decode

_BY_STATUS: dict[int, ErrorClass] = {
    401: "credential",
    402: "credential",
    403: "credential",
    404: "model_missing",
    408: "transient",
    429: "rate",
    498: "content_policy",
    499: "transient",
    503: "overload",
    529: "overload",
}
"""498: the prompt or the answer held a token of a deny list."""
_BY_TEXT: tuple[tuple[str, ErrorClass], ...] = (
    ("invalid api token", "credential"),
    ("no api key", "credential"),
    ("too many tokens", "context_window"),
    ("maximum context length", "context_window"),
    ("context length", "context_window"),
    ("blocked output", "content_policy"),
    ("blocked input", "content_policy"),
    ("safety", "content_policy"),
)


def read_error(status: int, headers: Headers, body: bytes) -> Failed:
    """What the failure means; never raises."""
    try:
        message = _decode(body).message or ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = ""
    text = message.lower()
    kind = _BY_STATUS.get(status)
    if status in (400, 422):
        kind = next((meaning for words, meaning in _BY_TEXT if words in text), None)
        if kind is None and "model" in text and "not found" in text:
            kind = "model_missing"
    if kind is None:
        kind = "client" if 400 <= status < 500 else "transient"
    return Failed(kind, message, status)
