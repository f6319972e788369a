"""MCP Apps: the resource that a tool wants shown, as its definition names it (`_meta.ui.resourceUri`)."""

from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.names import UI
from triplegate.wire.json_members import Members, encode, read_members, set_members

_MARK = b"ui://"
_OLDER = "ui/resourceUri"
_any = msgspec.json.Decoder().decode


def ui_of(definition: bytes) -> str:
    """The URI, or nothing."""
    if _MARK not in definition:
        return ""
    meta = _object(_object_members(definition), "_meta")
    for members, name in ((_object(meta, "ui"), "resourceUri"), (meta, _OLDER)):
        value: Any = _any(members[name]) if name in members else None
        if isinstance(value, str) and value.startswith(UI):
            return value
    return ""


def with_ui(definition: bytes, uri: str) -> bytes:
    """The definition with that URI in its place; every other byte stays."""
    whole = _object_members(definition)
    meta = _object(whole, "_meta")
    ui = _object(meta, "ui")
    changes: dict[str, bytes] = {}
    if "resourceUri" in ui:
        changes["ui"] = set_members(bytes(meta["ui"]), ui, {"resourceUri": encode(uri)})
    if _OLDER in meta:
        changes[_OLDER] = encode(uri)
    return set_members(definition, whole, {"_meta": set_members(bytes(whole["_meta"]), meta, changes)})


def _object(members: Members, name: str) -> Members:
    raw = bytes(members.get(name, b""))
    return _object_members(raw) if raw[:1] == b"{" else {}


def _object_members(raw: bytes) -> Members:
    try:
        return read_members(raw)
    except Refusal:
        return {}
