"""Neutral messages as Anthropic's system blocks and alternating turns."""

from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
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

FAMILY = "anthropic"
Block = dict[str, Any] | Raw
_object = msgspec.json.Decoder(dict[str, Raw]).decode


class Turns:
    """Add messages in order; `system` and `turns` are what they become."""

    __slots__ = ("_losses", "system", "turns")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self.system: list[Block] = []
        self.turns: list[tuple[str, list[Block]]] = []

    def add(self, message: Message) -> None:
        """One more message. A system message after the first turn becomes a user's, which is told as a loss."""
        if message.role in ("system", "developer"):
            if not self.turns:
                self.system += self._blocks(message.parts)
                return
            self._losses.lose("messages.role", "a later system message becomes a user's")
        if message.name:
            self._losses.lose("messages.name")
        role = "assistant" if message.role == "assistant" else "user"
        blocks = self._blocks(message.parts)
        if not blocks:
            return
        if self.turns and self.turns[-1][0] == role:
            self.turns[-1][1].extend(blocks)
        else:
            self.turns.append((role, blocks))

    def _blocks(self, parts: tuple[Part, ...]) -> list[Block]:
        blocks: list[Block] = []
        for part in parts:
            blocks += self._part(part)
        return blocks

    def _part(self, part: Part) -> list[Block]:
        match part:
            case Text():
                return [self._text(part)] if part.text else []
            case Media():
                return self._media(part)
            case ToolUse():
                return [_cached(_tool_use(part), part.cache)]
            case ToolResult():
                return [self._result(part)]
            case Reasoning():
                return _thinking(part)
            case Refused():
                return [{"type": "text", "text": part.text}] if part.text else []
            case Native():
                if part.provider == FAMILY:
                    return [Raw(part.raw)]
                self._losses.lose(f"messages.content.{part.kind}")
                return []

    def _text(self, part: Text) -> Block:
        block: dict[str, Any] = {"type": "text", "text": part.text}
        cited = [Raw(one.raw) for one in part.citations if one.provider == FAMILY and one.raw]
        if cited:
            block["citations"] = cited
        return _cached(block, part.cache)

    def _media(self, part: Media) -> list[Block]:
        if part.kind in ("audio", "video"):
            self._losses.lose(f"messages.content.{part.kind}")
            return []
        block: dict[str, Any] = {"type": "image" if part.kind == "image" else "document", "source": _source(part)}
        if part.kind == "file" and part.name:
            block["title"] = part.name
        return [_cached(block, part.cache)]

    def _result(self, part: ToolResult) -> Block:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.id}
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


def _tool_use(part: ToolUse) -> dict[str, Any]:
    text = part.arguments.strip() or "{}"
    try:
        _object(text)
    except msgspec.DecodeError as error:
        raise Refusal("invalid_body", f"The arguments of the tool call {part.id} are no JSON object.") from error
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": Raw(text.encode())}


def _source(part: Media) -> dict[str, str]:
    if part.file_id:
        return {"type": "file", "file_id": part.file_id}
    if part.url:
        return {"type": "url", "url": part.url}
    if part.mime == "text/plain":
        return {"type": "text", "media_type": part.mime, "data": part.data}
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
