"""A call of any chat dialect with messages of a prompt before its own, and without the member that asked for them."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import Members, encode, read_members, set_members
from triplegate.wire.mcp_bridge import drop_members

MEMBER = "prompt"


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One message of a prompt."""

    role: str
    """system, user or assistant."""
    content: str


def placed(family: str, text: bytes, members: Members, turns: Sequence[Turn]) -> bytes:
    """The call with these turns first. Raises Refusal invalid_body where its own cannot stand behind them."""
    text = drop_members(text, members, {MEMBER})
    members = read_members(text)
    return set_members(text, members, PLACES[family](members, turns))


def _chat(members: Members, turns: Sequence[Turn]) -> Mapping[str, bytes]:
    return {"messages": _before(members, "messages", encode(turns))}


def _responses(members: Members, turns: Sequence[Turn]) -> Mapping[str, bytes]:
    own = bytes(members.get("input", b"null"))
    if own[:1] == b'"':
        own = b'[{"role":"user","content":%b}]' % own
    return {"input": _joined(encode(turns), own, "input")}


def _anthropic(members: Members, turns: Sequence[Turn]) -> Mapping[str, bytes]:
    said = [turn for turn in turns if turn.role != "system"]
    changes = {"messages": _before(members, "messages", encode(said))}
    blocks = [{"type": "text", "text": turn.content} for turn in turns if turn.role == "system"]
    if blocks:
        own = bytes(members.get("system", b"null"))
        if own[:1] == b'"':
            own = b'[{"type":"text","text":%b}]' % own
        changes["system"] = _joined(encode(blocks), own, "system")
    return changes


PLACES: Mapping[str, Callable[[Members, Sequence[Turn]], Mapping[str, bytes]]] = {
    "openai": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
}
"""By the dialect of the call."""


def _before(members: Members, name: str, ours: bytes) -> bytes:
    return _joined(ours, bytes(members.get(name, b"null")), name)


def _joined(ours: bytes, own: bytes, name: str) -> bytes:
    """Two lists as one."""
    if own == b"null":
        return ours
    if own[:1] != b"[":
        raise Refusal("invalid_body", f"The member '{name}' must be a list.")
    rest = own[1:-1].strip()
    lists = [part for part in (ours[1:-1], rest) if part]
    return b"[" + b",".join(lists) + b"]"
