"""Neutral messages as Anthropic's system blocks and alternating turns."""

import base64
import binascii
import re
from hashlib import sha256
from typing import Any

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    BEFORE,
    Media,
    Message,
    Native,
    Part,
    Raw,
    Reasoning,
    Refused,
    Text,
    ToolResult,
    ToolUse,
)
from triplegate.wire.tool_arguments import object_of

FAMILY = "anthropic"
Block = dict[str, Any] | Raw
_NOT_ID = re.compile(r"[^a-zA-Z0-9_-]")


class Turns:
    """Add messages in order; `system` and `turns` are what they become."""

    __slots__ = ("_losses", "_own", "system", "turns")

    def __init__(self, losses: Losses, *, own: bool = False) -> None:
        """`own`: the messages were the dialect's own, which may have system messages anywhere."""
        self._losses = losses
        self._own = own
        self.system: list[Block] = []
        self.turns: list[tuple[str, list[Block]]] = []

    def add(self, message: Message) -> None:
        """One more message. A system message after the first turn becomes a user's, which is told as a loss."""
        if message.role in ("system", "developer"):
            if not self.turns:
                self.system += self._blocks(message.parts)
                return
            if not self._own:
                self._losses.lose("role", "a later system message becomes a user's")
        if message.name:
            self._losses.lose("name")
        role = "user"
        if message.role == "assistant" or (message.role == "system" and self._own):
            role = message.role
        blocks = self._blocks(message.parts)
        if not blocks:
            return
        if self.turns and self.turns[-1][0] == role:
            self.turns[-1][1].extend(blocks)
        else:
            self.turns.append((role, blocks))

    def done(self) -> list[tuple[str, list[Block]]]:
        """The turns. The user must begin; lonely system blocks are the user's."""
        if not self.turns and self.system:
            self.turns.append(("user", self.system))
            self.system = []
        elif self.turns and self.turns[0][0] == "assistant" and not self._own:
            self.turns.insert(0, ("user", [{"type": "text", "text": BEFORE}]))
        return self.turns

    def _blocks(self, parts: tuple[Part, ...]) -> list[Block]:
        blocks: list[Block] = []
        for part in parts:
            blocks += self._part(part)
        return blocks

    def _part(self, part: Part) -> list[Block]:
        match part:
            case Text():
                return [self._text(part)] if part.text.strip() else []  # the provider refuses mere white space
            case Media():
                return self._media(part)
            case ToolUse():
                return [_cached(self._tool_use(part), part.cache)]
            case ToolResult():
                return [self._result(part)]
            case Reasoning():
                return _thinking(part)
            case Refused():
                return [{"type": "text", "text": part.text}] if part.text.strip() else []
            case Native():
                if part.provider == FAMILY:
                    return [Raw(part.raw)]
                self._losses.lose_content(part.kind)
                return []

    def _text(self, part: Text) -> Block:
        block: dict[str, Any] = {"type": "text", "text": part.text}
        cited = [Raw(one.raw) for one in part.citations if one.provider == FAMILY and one.raw]
        if cited:
            block["citations"] = cited
        return _cached(block, part.cache)

    def _tool_use(self, part: ToolUse) -> dict[str, Any]:
        arguments = Raw(object_of(part, self._losses))
        return {"type": "tool_use", "id": _id(part.id), "name": part.name, "input": arguments}

    def _media(self, part: Media) -> list[Block]:
        if part.kind in ("audio", "video"):
            self._losses.lose("audio" if part.kind == "audio" else "video")
            return []
        if part.data and part.mime.partition(";")[0] == "text/plain" and _plain(part.data) is None:
            self._losses.lose("file", "it is no text in UTF-8")
            return []
        block: dict[str, Any] = {"type": "image" if part.kind == "image" else "document", "source": _source(part)}
        if part.kind == "file" and part.name:
            block["title"] = part.name
        return [_cached(block, part.cache)]

    def _result(self, part: ToolResult) -> Block:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(part.id)}
        match part.parts:
            case (Text(text=text, cache=""),):
                block["content"] = text
            case ():
                pass
            case _:
                block["content"] = self._blocks(part.parts)
        if part.error:
            block["is_error"] = True
        return _cached(block, part.cache)


def _cached(block: dict[str, Any], ttl: str) -> dict[str, Any]:
    if ttl:
        block["cache_control"] = cache_control(ttl)
    return block


def cache_control(ttl: str) -> dict[str, str]:
    """A breakpoint; five minutes are the default and are not said."""
    return {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}


def _id(name: str) -> str:
    """An id as the provider takes it; what has other characters is told apart by its checksum."""
    plain = _NOT_ID.sub("_", name)
    if name and plain == name:
        return name
    return f"{plain[:40]}_{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _plain(data: str) -> str | None:
    """The text of a plain document, which the dialect takes as it is and not in base64."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _source(part: Media) -> dict[str, str]:
    if part.file_id:
        return {"type": "file", "file_id": part.file_id}
    if part.url:
        return {"type": "url", "url": part.url}
    if part.mime.partition(";")[0] == "text/plain":
        return {"type": "text", "media_type": "text/plain", "data": _plain(part.data) or ""}
    return {
        "type": "base64",
        "media_type": part.mime or ("image/png" if part.kind == "image" else "application/pdf"),
        "data": part.data,
    }


def _thinking(part: Reasoning) -> list[Block]:
    """Only thoughts that Anthropic signed go back; it refuses unsigned ones."""
    blocks: list[Block] = []
    for opaque in part.opaque:
        if opaque.provider != FAMILY:
            continue
        if opaque.kind == "redacted":
            blocks.append({"type": "redacted_thinking", "data": opaque.value})
        elif opaque.kind == "signature":
            blocks.append({"type": "thinking", "thinking": part.text, "signature": opaque.value})
    return blocks
