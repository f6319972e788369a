"""OpenAI embeddings calls: a cheap look at the request, the model renamed in place, and usage."""

import msgspec

from triplegate.core.errors import Fault, Refusal
from triplegate.core.usage import Usage
from triplegate.wire.json_members import Members, encode, read_members, set_members
from triplegate.wire.openai_usage import read_usage

_string = msgspec.json.Decoder(str).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class EmbeddingsCall(msgspec.Struct, frozen=True, eq=False):
    """What the gateway needs to know of an embeddings request; the rest stays as it came."""

    text: bytes
    members: Members
    model: str
    inputs: int = 1
    """Vectors asked for."""
    end_user: str | None = None


def read_call(text: bytes) -> EmbeddingsCall:
    """The call that `text` is. Raises Refusal invalid_body; `param` in the payload names the member."""
    members = read_members(text)
    model = _text(members, "model")
    if not model:
        raise _wrong("model", "is required")
    return EmbeddingsCall(text, members, model, _count(members), _text(members, "user"))


def _text(members: Members, name: str) -> str | None:
    raw = members.get(name)
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        return _string(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _wrong(name, "must be a string") from error


def _count(members: Members) -> int:
    """A string or one list of token numbers asks for one vector, any other list for one each."""
    raw = members.get("input")
    if raw is None:
        raise _wrong("input", "is required")
    try:
        items = [] if bytes(raw)[:1] == b'"' else _items(raw)
    except msgspec.DecodeError as error:
        raise _wrong("input", "must be a string or a list") from error
    return len(items) if items and bytes(items[0])[:1] in (b'"', b"[") else 1


def _wrong(name: str, what: str) -> Refusal:
    return Refusal(
        "invalid_body", f"The member '{name}' {what}.", errors=(Fault(f"/{name}", what),), payload={"param": name}
    )


def edit_call(call: EmbeddingsCall, *, model: str) -> bytes:
    """The request with its model renamed; every other byte as it came."""
    return call.text if model == call.model else set_members(call.text, call.members, {"model": encode(model)})


class _Reply(msgspec.Struct, gc=False):
    usage: msgspec.Raw = msgspec.Raw(b"")


_reply = msgspec.json.Decoder(_Reply).decode


def read_reply_usage(text: bytes) -> Usage | None:
    """What a whole reply says was used; None when it does not say. Vectors are not decoded."""
    try:
        return read_usage(_reply(text).usage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
