"""Cut a tool's result to a size, so that whoever reads it sees that it was cut."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode, read_members, set_members

CUT = "triplegate.dev/cut"
"""The member of `_meta` that says how large the result was."""

_MARK = "\n[cut by the gateway: {} of {} bytes of this text]"
_LEFT_OUT = "[cut by the gateway: {} of {} parts left out]"
_ROOM = 512  # bytes for the marks
_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode


def cut(result: bytes, largest: int) -> bytes:
    """The result with as much of its content as there is room for; all other members stay.

    Raises Refusal result_too_large where there would be no room even so.
    """
    members = read_members(result)
    try:
        blocks = [bytes(block) for block in _raws(members.get("content", b"[]"))]
    except msgspec.MsgspecError as error:
        raise too_large(largest) from error
    meta = bytes(members.get("_meta", b"{}"))
    marked = set_members(meta, read_members(meta), {CUT: encode({"bytes": len(result)})})
    rest = len(result) - len(bytes(members.get("content", b"")))
    room = largest - rest - _ROOM
    if room < 0 or not blocks:
        raise too_large(largest)
    return set_members(result, members, {"content": b"[%b]" % b",".join(_fitting(blocks, room)), "_meta": marked})


def _fitting(blocks: list[bytes], room: int) -> list[bytes]:
    kept: list[bytes] = []
    for index, block in enumerate(blocks):
        if len(block) < room:
            kept.append(block)
            room -= len(block) + 1
            continue
        shortened = _shortened(block, room)
        if shortened:
            kept.append(shortened)
        left = len(blocks) - index - (1 if shortened else 0)
        if left:
            kept.append(encode({"type": "text", "text": _LEFT_OUT.format(left, len(blocks))}))
        break
    return kept


def _shortened(block: bytes, room: int) -> bytes:
    """A text with its end cut off; nothing of anything else, which would be broken by it."""
    members = read_members(block)
    if members.get("type") != msgspec.Raw(b'"text"') or "text" not in members:
        return b""
    room -= len(block) - len(bytes(members["text"]))
    if room <= 0:
        return b""
    text = _string(members["text"])
    whole = len(text.encode())
    short = text[:room]
    while (over := len(encode(short)) - room) > 0:  # escapes and letters of several bytes
        short = short[: -max(1, over // 6)]
    return set_members(block, members, {"text": encode(short + _MARK.format(len(short.encode()), whole))})


def too_large(largest: int) -> Refusal:
    """The refusal of a result over the bound."""
    return Refusal("result_too_large", f"The tool's result is larger than {largest} bytes.")
