"""Neutral messages as messages of OpenAI's chat dialect."""

from typing import Any

import msgspec

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Raw,
    Reasoning,
    Refused,
    Text,
    ToolResult,
    ToolUse,
)
from triplegate.wire.openai_parts import OPENAI, Parts

_object = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode

_FORMATS = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}


class Turns(Parts):
    """Takes messages in and gives OpenAI's; what a tool shows stands behind its results as the user's words."""

    __slots__ = ("_messages", "_shown")
    family, text = "openai", "text"

    def __init__(self, dialect: str, losses: Losses) -> None:
        super().__init__(dialect, losses)
        self._messages: list[Any] = []
        self._shown: list[Any] = []

    def add(self, message: Message) -> None:
        """The next message."""
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        if not results:
            self._show()
        for result in results:
            self._result(result)
        rest: list[Part] = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role == "tool" and not rest:
            return
        self._show()
        if message.role == "assistant":
            self._assistant(message, rest)
        else:
            self._said(message, rest)

    def done(self) -> list[Any]:
        """All messages."""
        self._show()
        return self._messages

    def _show(self) -> None:
        if self._shown:
            self._messages.append({"role": "user", "content": self._shown})
            self._shown = []

    def _said(self, message: Message, parts: list[Part]) -> None:
        role: str = "user" if message.role == "tool" else message.role
        if role == "developer" and self._dialect != "openai":
            role = "system"  # every relative knows it, and OpenAI takes it for developer
        said: dict[str, Any] = {"role": role}
        content = [written for part in parts if (written := self._part(part)) is not None]
        said["content"] = content
        if not content:
            said["content"] = ""
        elif all(isinstance(part, Text) and not part.cache for part in parts) and len(content) == 1:
            said["content"] = content[0]["text"]
        if message.name:
            said["name"] = message.name
        self._messages.append(said)

    def _written(self, media: Media, data_url: str) -> dict[str, Any] | None:
        if media.kind == "image" and (data_url or media.url):
            image = {"url": data_url or media.url}
            if media.detail:
                image["detail"] = media.detail
            return {"type": "image_url", "image_url": image}
        if media.kind == "audio" and media.data:
            kind = _FORMATS.get(media.mime) or media.mime.rpartition("/")[2] or "wav"
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": kind}}
        if media.kind in ("file", "image") and media.file_id and self._dialect in OPENAI:
            return {"type": "file", "file": {"file_id": media.file_id}}
        if media.kind == "file" and data_url:
            return {"type": "file", "file": {"filename": media.name or "file.pdf", "file_data": data_url}}
        return None

    def _result(self, result: ToolResult) -> None:
        if result.error:
            self._losses.lose("is_error")
        if result.cache:
            self._losses.lose("cache_control")
        texts = [part.text for part in result.parts if isinstance(part, Text)]
        shown = [self._media(part) for part in result.parts if isinstance(part, Media)]
        shown = [part for part in shown if part is not None]
        if shown:
            self._shown += [{"type": "text", "text": f"Shown by the tool (call {result.id}):"}, *shown]
        content = "".join(texts) or ("See the user's next message." if shown else "")
        self._messages.append({"role": "tool", "tool_call_id": result.id, "content": content})

    def _assistant(self, message: Message, parts: list[Part]) -> None:
        said: dict[str, Any] = {"role": "assistant"}
        text = "".join(part.text for part in parts if isinstance(part, Text))
        calls = [self._call(part) for part in parts if isinstance(part, ToolUse)]
        refusal = "".join(part.text for part in parts if isinstance(part, Refused))
        audio = next((part.raw for part in parts if isinstance(part, Native) and part.kind == "audio"), None)
        said["content"] = text if text or not (calls or refusal or audio) else None
        if refusal:
            said["refusal"] = refusal
        if audio is not None:
            said["audio"] = Raw(audio)
        if details := [one for part in parts if isinstance(part, Reasoning) for one in _details(part)]:
            said["reasoning_details"] = details
        if message.name:
            said["name"] = message.name
        if calls:
            said["tool_calls"] = calls
        for part in parts:
            if isinstance(part, Media):
                self._losses.lose(part.kind)
            elif isinstance(part, Native) and part.kind != "audio":
                self._losses.lose_content(part.kind)
        self._messages.append(said)

    def _call(self, use: ToolUse) -> dict[str, Any]:
        if use.cache:
            self._losses.lose("cache_control")
        if use.custom:
            return {"id": use.id, "type": "custom", "custom": {"name": use.name, "input": use.arguments}}
        call: dict[str, Any] = {
            "id": use.id,
            "type": "function",
            "function": {"name": use.name, "arguments": use.arguments or "{}"},
        }
        if use.opaque is not None and use.opaque.provider == "openai":
            call["extra_content"] = {"google": {"thought_signature": use.opaque.value}}
        return call


def _details(reasoning: Reasoning) -> list[Any]:
    """OpenRouter's details as it gave them; thoughts without them are for no model of this dialect to read."""
    return [_detail(opaque, reasoning.text) for opaque in reasoning.opaque if opaque.provider == "openai"]


def _detail(opaque: Opaque, text: str) -> Any:
    try:
        said = _object(opaque.value)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {"type": "reasoning.encrypted", "data": opaque.value}
    if said.get("type") == "reasoning.text" and not said.get("text"):
        said["text"] = text
        return said
    return Raw(opaque.value.encode())
