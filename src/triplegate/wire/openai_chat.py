"""OpenAI chat calls: a cheap look at the request, edits in place, and what a whole reply says it used."""

from typing import Any, TypeVar

import msgspec

from triplegate.core.errors import Fault, Refusal
from triplegate.core.usage import Usage
from triplegate.wire.json_members import Members, encode, read_members, set_members
from triplegate.wire.openai_usage import read_usage, tier_of

T = TypeVar("T")

NOTHING = msgspec.Raw(b"")
_NULL = msgspec.Raw(b"null")

_string = msgspec.json.Decoder(str)
_integer = msgspec.json.Decoder(int)


class ChatCall(msgspec.Struct, frozen=True, eq=False):
    """What the gateway needs to know of a chat (or legacy completion) request; the rest stays as it came."""

    text: bytes
    members: Members
    """Raw values of every top-level member."""
    model: str
    stream: bool = False
    include_usage: bool = False
    """The client itself asked for the usage chunk."""
    n: int = 1
    max_tokens: int | None = None
    """`max_completion_tokens` or `max_tokens`, the larger where both are said: vendors read the one or the other."""
    end_user: str | None = None


def read_call(text: bytes) -> ChatCall:
    """The call that `text` is; looks at a few members only, decodes no message.

    Raises Refusal invalid_body: no JSON object, a member said twice, no model, or one of the looked-at members of
    the wrong type; `param` in the payload names it.
    """
    members = read_members(text)
    model = _read(members, "model", _string)
    if not model:
        raise wrong("model", "is required")
    stream = _flag(members, "stream")
    include_usage = stream and "stream_options" in members and _asks_usage(members["stream_options"])
    n = _read(members, "n", _integer)
    bounds = [_read(members, "max_completion_tokens", _integer), _read(members, "max_tokens", _integer)]
    most = max([one for one in bounds if one is not None], default=None)
    if (n is not None and n < 1) or any(one is not None and one < 0 for one in bounds):
        raise wrong("n" if n is not None and n < 1 else "max_tokens", "must be positive")
    user = members.get("user")
    end_user = _read(members, "user", _string) if user is not None and bytes(user)[:1] == b'"' else None
    return ChatCall(text, members, model, stream, include_usage, 1 if n is None else n, most, end_user)


def _read(members: Members, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
    raw = members.get(name)
    if raw is None or raw == _NULL:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(name, f"cannot be read: {error}") from error


def _flag(members: Members, name: str) -> bool:
    raw = members.get(name)
    if raw is None:
        return False
    text = bytes(raw)
    if text not in _FLAGS:
        raise wrong(name, "must be true or false")
    return text == b"true"


_FLAGS = frozenset({b"true", b"false", b"null"})
_USUAL = b'{"include_usage":true}'
_ASKED = frozenset({_USUAL, b'{"include_usage": true}'})


def _asks_usage(raw: msgspec.Raw) -> bool:
    text = bytes(raw)
    if text in _ASKED:
        return True
    if text == b"null":
        return False
    try:
        return _flag(read_members(text), "include_usage")
    except Refusal as refusal:
        raise wrong("stream_options", "must be an object that says nothing twice") from refusal


def wrong(name: str, what: str) -> Refusal:
    """The refusal of a member that cannot be taken."""
    return Refusal(
        "invalid_body", f"The member '{name}' {what}.", errors=(Fault(f"/{name}", what),), payload={"param": name}
    )


def edit_call(call: ChatCall, *, model: str | None = None, include_usage: bool = False) -> bytes:
    """The request with its model renamed and, when it streams, usage asked for (U1); every other byte as it came."""
    changes: dict[str, bytes] = {}
    if model is not None and model != call.model:
        changes["model"] = encode(model)
    if include_usage and call.stream and not call.include_usage:
        options = bytes(call.members.get("stream_options", _NULL))
        if options == b"null":
            changes["stream_options"] = _USUAL
        else:
            changes["stream_options"] = set_members(options, read_members(options), {"include_usage": b"true"})
    return set_members(call.text, call.members, changes) if changes else call.text


class ChatReply(msgspec.Struct, frozen=True, gc=False):
    """What a whole reply says about itself."""

    usage: Usage | None = None
    """None when the provider did not say."""
    model: str = ""
    finish_reason: str = ""
    """Of the first choice."""
    error: bool = False
    """An error object where a completion was expected."""


class _Groq(msgspec.Struct, gc=False):
    usage: msgspec.Raw = NOTHING


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Reply(msgspec.Struct, gc=False):
    model: Any = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    x_groq: _Groq | None = None
    service_tier: object = None
    choices: list[_Choice] | None = None


_reply = msgspec.json.Decoder(_Reply).decode


def read_reply(text: bytes) -> ChatReply | None:
    """What a reply body says; None when it is no JSON of the dialect."""
    try:
        said = _reply(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    usage = read_usage(said.usage)
    if usage is None and said.x_groq is not None:
        usage = read_usage(said.x_groq.usage)
    if usage is not None:
        usage.tier = tier_of(said.service_tier)
    model = said.model if isinstance(said.model, str) else ""
    finish = said.choices[0].finish_reason if said.choices else None
    return ChatReply(usage, model, finish or "", bool(len(said.error)) and said.error != _NULL)
