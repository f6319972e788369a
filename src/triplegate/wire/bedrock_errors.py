"""What a failure of Amazon Bedrock means: the names of its exceptions, and their texts."""

import msgspec

from triplegate.core.http import Headers
from triplegate.wire.neutral_events import ErrorClass, Failed


class _Error(msgspec.Struct, gc=False):
    message: str | None = None
    big: str | None = msgspec.field(default=None, name="Message")
    type: str | None = msgspec.field(default=None, name="__type")
    status: int | str | None = msgspec.field(default=None, name="originalStatusCode")
    original: str | None = msgspec.field(default=None, name="originalMessage")


_decode = msgspec.json.Decoder(_Error).decode

_BY_NAME: dict[str, ErrorClass] = {
    "throttlingexception": "rate",
    "toomanyrequestsexception": "rate",
    "requestlimitexceeded": "rate",
    "servicequotaexceededexception": "rate",
    "modelnotreadyexception": "overload",
    "serviceunavailableexception": "overload",
    "serviceunavailable": "overload",
    "internalserverexception": "transient",
    "internalfailure": "transient",
    "modelerrorexception": "transient",
    "modelstreamerrorexception": "transient",
    "modeltimeoutexception": "transient",
    "resourcenotfoundexception": "model_missing",
    "accessdeniedexception": "credential",
    "accessdenied": "credential",
    "unrecognizedclientexception": "credential",
    "invalidclienttokenid": "credential",
    "invalidsignatureexception": "credential",
    "signaturedoesnotmatch": "credential",
    "incompletesignature": "credential",
    "incompletesignatureexception": "credential",
    "missingauthenticationtoken": "credential",
    "missingauthenticationtokenexception": "credential",
    "expiredtoken": "credential",
    "expiredtokenexception": "credential",
    "notauthorized": "credential",
    "optinrequired": "credential",
}
"""An exception's name in small letters → its meaning, unless its text says better."""
_BY_STATUS: dict[int, ErrorClass] = {
    401: "credential",
    402: "credential",
    403: "credential",
    404: "model_missing",
    408: "transient",
    424: "transient",
    429: "rate",
    503: "overload",
    529: "overload",
}
_TEXTS: tuple[tuple[str, ErrorClass], ...] = (
    ("input is too long", "context_window"),
    ("prompt is too long", "context_window"),
    ("too many input tokens", "context_window"),
    ("exceed context limit", "context_window"),
    ("context window", "context_window"),
    ("context length", "context_window"),
    ("maximum number of tokens", "context_window"),
    ("maximum tokens you requested exceeds the model limit", "client"),
    ("exceeds the maximum", "context_window"),
    ("content filter", "content_policy"),
    ("content policy", "content_policy"),
    ("responsible ai", "content_policy"),
    ("blocked by", "content_policy"),
    ("model identifier is invalid", "model_missing"),
    ("access to the model", "model_missing"),
    ("access to model", "model_missing"),
    ("on-demand throughput isn", "model_missing"),
    ("reached the end of its life", "model_missing"),
    ("marked by provider as legacy", "model_missing"),
    ("operation not allowed", "credential"),
    ("security token included in the request", "credential"),
    ("api key", "credential"),
)
"""What refusals (400, 403, 404, 413, 422) say; the first that fits counts."""
_TEXTUAL = frozenset({0, 400, 403, 404, 413, 422, 424})


def read_error(status: int, headers: Headers, body: bytes) -> Failed:
    """What the failure means; never raises."""
    name = next((value.decode("latin-1") for field, value in headers if field == b"x-amzn-errortype"), "")
    said = _said(body)
    return _failed(status, name or said.type or "", said)


def read_exception(name: str, payload: bytes, message: str = "") -> Failed:
    """The same for an exception inside a stream, whose payload is the body; `message` where a header says it."""
    said = _said(payload)
    if message and not said.message:
        said.message = message
    return _failed(0, name, said)


def _said(body: bytes) -> _Error:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Error()


def _failed(status: int, name: str, said: _Error) -> Failed:
    """Names come as `ThrottlingException:http://…` or `com.amazon.coral.service#ThrottlingException`, too."""
    name = name.partition(":")[0].rpartition("#")[2]
    message = said.message or said.big or said.original or ""
    return Failed(_kind(status, name.lower(), f"{message} {said.original or ''}".lower(), said), message, status, name)


def _kind(status: int, name: str, text: str, said: _Error) -> ErrorClass:
    named = _BY_NAME.get(name)
    if status in _TEXTUAL and named not in ("rate", "overload"):
        found = next((meaning for words, meaning in _TEXTS if words in text), None)
        if found is not None:
            return found
    original = said.status if isinstance(said.status, int) else 0
    if name in ("modelerrorexception", "modelstreamerrorexception") and original in (429, 503, 529):
        return _BY_STATUS[original]
    if named is not None:
        return named
    if name == "validationexception":
        return "client"
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    return "client" if 400 <= status < 500 else "transient"
