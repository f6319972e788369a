"""Responses calls: a cheap look at the request, the model renamed in place, and usage of a whole reply."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.json_members import Members, encode, read_members, set_members
from triplegate.wire.openai_chat import wrong
from triplegate.wire.responses_usage import Reply, used

_NULL = b"null"
_string = msgspec.json.Decoder(str).decode
_integer = msgspec.json.Decoder(int).decode
_flag = msgspec.json.Decoder(bool).decode


class ResponsesCall(msgspec.Struct, frozen=True, eq=False):
    """What the gateway needs to know of a request; the rest stays as it came."""

    text: bytes
    members: Members
    model: str
    stream: bool = False
    include_usage: bool = True
    """The dialect always tells."""
    n: int = 1
    max_tokens: int | None = None
    end_user: str | None = None


def read_call(text: bytes) -> ResponsesCall:
    """The call that `text` is; no item is decoded. Raises Refusal invalid_body; `param` in the payload names it."""
    members = read_members(text)
    model = _read(members, "model", _string)
    if not isinstance(model, str) or not model:
        raise wrong("model", "is required")
    most = _read(members, "max_output_tokens", _integer)
    if isinstance(most, int) and most < 0:
        raise wrong("max_output_tokens", "must be positive")
    user = _read(members, "user", _string) or _read(members, "safety_identifier", _string)
    return ResponsesCall(
        text,
        members,
        model,
        bool(_read(members, "stream", _flag)),
        max_tokens=most if isinstance(most, int) else None,
        end_user=str(user) if user else None,
    )


def _read(members: Members, name: str, decode: object) -> object:
    raw = members.get(name)
    if raw is None or bytes(raw) == _NULL:
        return None
    try:
        return decode(raw)  # type: ignore[operator]  # a decoder's method
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(name, f"cannot be read: {error}") from error


def edit_call(call: ResponsesCall, *, model: str | None = None, include_usage: bool = False) -> bytes:
    """The request with its model renamed; every other byte as it came. Usage need not be asked for."""
    if model is None or model == call.model:
        return call.text
    return set_members(call.text, call.members, {"model": encode(model)})


_reply = msgspec.json.Decoder(Reply).decode


def whole_usage(body: bytes) -> Usage | None:
    """Usage of a whole reply."""
    try:
        return used(_reply(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
