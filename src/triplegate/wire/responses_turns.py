"""Neutral messages as items of a Responses call."""

from typing import Any

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
from triplegate.wire.openai_parts import OPENAI, Parts
from triplegate.wire.responses_items import FAMILY


class Turns(Parts):
    """Takes messages in and gives items."""

    __slots__ = ("_custom", "instructions", "items")
    family, text = FAMILY, "input_text"

    def __init__(self, dialect: str, losses: Losses) -> None:
        super().__init__(dialect, losses)
        self._custom: set[str] = set()
        self.instructions = ""
        self.items: list[Any] = []

    def add(self, message: Message) -> None:
        """The next message."""
        if message.id == "instructions" and message.role == "system":
            self.instructions = "".join(part.text for part in message.parts if isinstance(part, Text))
            return
        if message.name:
            self._losses.lose("name")
        if message.role == "assistant":
            self._assistant(message)
            return
        content: list[Any] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._result(part)
            elif (written := self._part(part)) is not None:
                content.append(written)
        if content:
            role: str = "user" if message.role == "tool" else message.role
            self.items.append({"type": "message", "role": role, "content": _plain(content)})

    def _assistant(self, message: Message) -> None:
        content: list[Any] = []
        for part in message.parts:
            if isinstance(part, Text):
                content.append({"type": "output_text", "text": part.text})
                continue
            if isinstance(part, Refused):
                content.append({"type": "refusal", "refusal": part.text})
                continue
            self._say(content)
            content = []
            self._own(part)
        self._say(content)

    def _say(self, content: list[Any]) -> None:
        if not content:
            return
        if all(part["type"] == "output_text" for part in content):
            said: Any = "".join(part["text"] for part in content)
        else:
            said = content
        self.items.append({"type": "message", "role": "assistant", "content": said})

    def _own(self, part: Part) -> None:
        match part:
            case ToolUse():
                self._call(part)
            case Reasoning():
                self._thought(part)
            case Native(provider, kind, raw):
                if provider == FAMILY:
                    self.items.append(Raw(raw))
                else:
                    self._losses.lose_content(kind)
            case Media():
                self._losses.lose(part.kind)
            case ToolResult():
                self._result(part)

    def _call(self, use: ToolUse) -> None:
        if use.cache:
            self._losses.lose("cache_control")
        if use.custom:
            self._custom.add(use.id)
            self.items.append({"type": "custom_tool_call", "call_id": use.id, "name": use.name, "input": use.arguments})
            return
        arguments = use.arguments or "{}"
        self.items.append({"type": "function_call", "call_id": use.id, "name": use.name, "arguments": arguments})

    def _thought(self, part: Reasoning) -> None:
        """Only what this family can verify: its own state, or an item it stores."""
        own = [opaque.value for opaque in part.opaque if opaque.provider == FAMILY]
        if not own and not (part.id and self._dialect == FAMILY and not part.opaque):
            return
        said: dict[str, Any] = {"type": "reasoning"}
        if part.id:
            said["id"] = part.id
        said["summary"] = [{"type": "summary_text", "text": part.text}] if part.text and part.summary else []
        if part.text and not part.summary:
            said["content"] = [{"type": "reasoning_text", "text": part.text}]
        if own:
            said["encrypted_content"] = own[0]
        self.items.append(said)

    def _result(self, result: ToolResult) -> None:
        if result.error:
            self._losses.lose("is_error")
        if result.cache:
            self._losses.lose("cache_control")
        content = [written for part in result.parts if (written := self._part(part)) is not None]
        kind = "custom_tool_call_output" if result.id in self._custom else "function_call_output"
        self.items.append({"type": kind, "call_id": result.id, "output": _plain(content)})

    def _written(self, media: Media, data_url: str) -> dict[str, Any] | None:
        stored = media.file_id if self._dialect in OPENAI else ""
        if media.kind == "image":
            if not (data_url or media.url or stored):
                return None
            source = {"image_url": data_url or media.url} if data_url or media.url else {"file_id": stored}
            return {"type": "input_image", "detail": media.detail or "auto", **source}
        if media.kind == "file":
            if data_url:
                return {"type": "input_file", "filename": media.name or "file.pdf", "file_data": data_url}
            if media.url:
                return {"type": "input_file", "file_url": media.url}
            return {"type": "input_file", "file_id": stored} if stored else None
        if media.kind == "audio" and media.data:
            kind = "mp3" if media.mime in ("audio/mpeg", "audio/mp3") else media.mime.rpartition("/")[2] or "wav"
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": kind}}
        return None


def _plain(content: list[Any]) -> Any:
    """One plain text stands as a string."""
    if not content:
        return ""
    only = content[0]
    if len(content) == 1 and isinstance(only, dict) and set(only) == {"type", "text"}:
        return only["text"]
    return content
