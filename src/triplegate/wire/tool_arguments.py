"""Arguments of calls in a conversation, for dialects that take nothing but JSON objects."""

import msgspec

from triplegate.wire.codec import Losses
from triplegate.wire.json_members import is_object
from triplegate.wire.neutral import ToolUse

INPUT = "input"
"""The one member that holds what is no JSON object: free text of a custom tool, or what a model wrote amiss."""
_encode = msgspec.json.Encoder().encode


def object_of(use: ToolUse, losses: Losses) -> bytes:
    """The arguments as they are where they are a JSON object; else an object that holds them, which is a loss."""
    text = use.arguments if use.custom else use.arguments.strip() or "{}"
    written = text.encode("utf-8", "replace")
    if not use.custom:
        if is_object(written):
            return written
        losses.lose("arguments", f"they are no JSON object, so they are told as the member '{INPUT}' of one")
    return _encode({INPUT: written.decode()})
