"""URIs of resources within the results of tools and prompts: links and what is embedded, put under other names."""

from collections.abc import Callable

import msgspec

from triplegate.wire.json_members import encode, read_members, set_members

Rename = Callable[[str], str]
"""A server's own URI → the one that clients use; the same where it stays."""

_MARK = b'"resource'
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode


def rename_links(result: bytes, rename: Rename) -> bytes:
    """The result of tools/call or prompts/get; every byte but those of such URIs stays.

    Raises Refusal invalid_body for an object that says a member twice.
    """
    if _MARK not in result:
        return result
    members = read_members(result)
    changes: dict[str, bytes] = {}
    for name, change in (("content", _content), ("messages", _message)):
        raw = bytes(members.get(name, b""))
        if raw[:1] == b"[" and _MARK in raw:
            changed = _each(raw, rename, change)
            if changed != raw:
                changes[name] = changed
    return set_members(result, members, changes) if changes else result


def _each(raw: bytes, rename: Rename, change: Callable[[bytes, Rename], bytes]) -> bytes:
    items = _list(raw)
    changed = [change(bytes(item), rename) for item in items]
    if all(one == bytes(item) for one, item in zip(changed, items, strict=True)):
        return raw
    return b"[%b]" % b",".join(changed)


def _message(raw: bytes, rename: Rename) -> bytes:
    """A prompt's message: one piece of content, or several."""
    if raw[:1] != b"{" or _MARK not in raw:
        return raw
    members = read_members(raw)
    content = bytes(members.get("content", b""))
    changed = _each(content, rename, _content) if content[:1] == b"[" else _content(content, rename)
    return raw if changed == content else set_members(raw, members, {"content": changed})


def _content(raw: bytes, rename: Rename) -> bytes:
    """A piece of content; any but a link and an embedded resource stays."""
    if raw[:1] != b"{" or _MARK not in raw:
        return raw
    members = read_members(raw)
    kind = bytes(members.get("type", b""))
    if kind == b'"resource_link"':
        return _renamed(raw, rename)
    embedded = bytes(members.get("resource", b""))
    if kind != b'"resource"' or embedded[:1] != b"{":
        return raw
    changed = _renamed(embedded, rename)
    return raw if changed == embedded else set_members(raw, members, {"resource": changed})


def _renamed(raw: bytes, rename: Rename) -> bytes:
    members = read_members(raw)
    try:
        own = _text(members.get("uri", b""))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return raw
    name = rename(own)
    return raw if name == own else set_members(raw, members, {"uri": encode(name)})
