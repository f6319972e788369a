"""Where a vendor differs from its dialect: members it refuses, other names for some, roles it does not know."""

from collections.abc import Mapping

import msgspec

from triplegate.config.documents_llm import Quirks
from triplegate.wire.json_members import Members, encode, read_members

_BOUNDS = ("max_tokens", "max_completion_tokens")
_THOUGHTS = ("reasoning_content", "reasoning")
_SYSTEM = msgspec.Raw(b'"system"')
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def any_of(quirks: Quirks) -> bool:
    """Whether calls to the vendor are shaped at all."""
    return bool(quirks.drop or quirks.max_tokens or quirks.developer == "system" or quirks.reasoning)


def shape(body: bytes, quirks: Quirks, also: tuple[str, ...] = ()) -> bytes:
    """`body` as the vendor takes it; values stay byte for byte, members are left out (`also`, too) or renamed.

    In its messages thoughts get the vendor's own name, and the developer's become the system's, as it is asked for.
    """
    members = read_members(body)
    names = {name: name for name in members if name not in quirks.drop and name not in also}
    wanted = quirks.max_tokens
    if wanted is not None:
        other = _BOUNDS[1 - _BOUNDS.index(wanted)]
        if names.pop(other, None) is not None and wanted not in names:
            names[other] = wanted
    messages = names.get("messages")
    if messages is not None and _touches(body, quirks):
        members["messages"] = _messages(members["messages"], quirks)
    elif len(names) == len(members) and all(name == new for name, new in names.items()):
        return body
    return _written(members, names)


def _written(members: Members, names: Mapping[str, str]) -> bytes:
    return b"{" + b",".join([encode(new) + b":" + bytes(members[name]) for name, new in names.items()]) + b"}"


def _touches(body: bytes, quirks: Quirks) -> bool:
    told = quirks.developer == "system" and b'"developer"' in body
    return told or (quirks.reasoning is not None and any(b'"%b"' % name.encode() in body for name in _THOUGHTS))


def _messages(raw: msgspec.Raw, quirks: Quirks) -> msgspec.Raw:
    if bytes(raw)[:1] != b"[":
        return raw
    return msgspec.Raw(b"[" + b",".join([_message(bytes(one), quirks) for one in _items(raw)]) + b"]")


def _message(text: bytes, quirks: Quirks) -> bytes:
    """One message; the very bytes where nothing differs."""
    if not text.startswith(b"{"):
        return text
    members = read_members(text)
    names = {name: name for name in members}
    if quirks.developer == "system" and bytes(members.get("role", b"")) == b'"developer"':
        members["role"] = _SYSTEM
    elif quirks.reasoning is None or not any(name in members for name in _THOUGHTS):
        return text
    if quirks.reasoning is not None:
        for name in _THOUGHTS:
            if name != quirks.reasoning and names.pop(name, None) is not None and _takes(quirks, names):
                names[name] = quirks.reasoning
    return _written(members, names)


def _takes(quirks: Quirks, names: Mapping[str, str]) -> bool:
    return quirks.reasoning != "none" and quirks.reasoning not in names
