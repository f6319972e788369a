"""Anthropic messages calls: a cheap look at the request, and the model renamed in place."""

from typing import TypeVar

import msgspec

from triplegate.core.errors import Fault, Refusal
from triplegate.wire.json_members import Members, encode, read_members, set_members

T = TypeVar("T")
_string = msgspec.json.Decoder(str)
_integer = msgspec.json.Decoder(int)
_FLAGS = frozenset({b"true", b"false", b"null"})


class MessagesCall(msgspec.Struct, frozen=True, eq=False):
    """What the gateway needs to know of a messages request; the rest stays as it came."""

    text: bytes
    members: Members
    model: str
    stream: bool = False
    max_tokens: int | None = None
    end_user: str | None = None
    include_usage: bool = True
    """The dialect always tells."""
    n: int = 1


class _Metadata(msgspec.Struct, gc=False):
    user_id: str | None = None


_metadata = msgspec.json.Decoder(_Metadata)


def read_call(text: bytes) -> MessagesCall:
    """The call that `text` is; looks at a few members only, decodes no message.

    Raises Refusal invalid_body: no JSON object, a member said twice, no model or messages, or one of the wrong type.
    """
    members = read_members(text)
    model = _read(members, "model", _string)
    if not model:
        raise wrong("model", "is required")
    if bytes(members.get("messages", b""))[:1] != b"[":
        raise wrong("messages", "must be a list")
    stream = bytes(members.get("stream", b"false"))
    if stream not in _FLAGS:
        raise wrong("stream", "must be true or false")
    most = _read(members, "max_tokens", _integer)
    if most is not None and most < 0:
        raise wrong("max_tokens", "must be positive")
    metadata = _read(members, "metadata", _metadata)
    return MessagesCall(text, members, model, stream == b"true", most, metadata.user_id if metadata else None)


def _read(members: Members, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
    raw = members.get(name)
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(name, f"cannot be read: {error}") from error


def wrong(name: str, what: str) -> Refusal:
    """The refusal of one member."""
    pointer = "/" + name.replace(".", "/")
    return Refusal(
        "invalid_body", f"The member '{name}' {what}.", errors=(Fault(pointer, what),), payload={"param": name}
    )


def edit_call(call: MessagesCall, *, model: str, include_usage: bool = True) -> bytes:
    """The request with its model renamed; every other byte as it came."""
    return call.text if model == call.model else set_members(call.text, call.members, {"model": encode(model)})
