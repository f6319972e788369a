"""Messages of a neutral request as Cohere's: each tool result is a message of its own."""

from typing import Any

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media, Message, Native, Part, Reasoning, Refused, Text, ToolResult, ToolUse
from triplegate.wire.tool_arguments import object_of


class Messages:
    """Takes messages in, in their order."""

    __slots__ = ("_losses", "written")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self.written: list[dict[str, Any]] = []

    def add(self, message: Message) -> None:
        """The next message; empty ones are left out, which Cohere refuses."""
        if message.name:
            self._losses.lose("name")
        if message.role == "assistant":
            self._assistant(message.parts)
            return
        role = "system" if message.role in ("system", "developer") else "user"
        content: list[dict[str, Any]] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._close(role, content)
                content = []
                self._result(part)
            elif (block := self._block(part)) is not None:
                content.append(block)
        self._close(role, content)

    def _close(self, role: str, content: list[dict[str, Any]]) -> None:
        if content:
            self.written.append({"role": role, "content": _plain(content)})

    def _assistant(self, parts: tuple[Part, ...]) -> None:
        """Thoughts before calls are what Cohere itself calls the plan."""
        calls = [self._call(part) for part in parts if isinstance(part, ToolUse)]
        thoughts = "".join(part.text for part in parts if isinstance(part, Reasoning))
        content = [block for part in parts if (block := self._block(part)) is not None]
        message: dict[str, Any] = {"role": "assistant"}
        if thoughts and calls:
            message["tool_plan"] = thoughts
        elif thoughts:
            content.insert(0, {"type": "thinking", "thinking": thoughts})
        if content:
            message["content"] = _plain(content)
        if calls:
            message["tool_calls"] = calls
        if len(message) > 1:
            self.written.append(message)

    def _call(self, part: ToolUse) -> dict[str, Any]:
        self._cache(part.cache)
        arguments = object_of(part, self._losses).decode()
        return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": arguments}}

    def _result(self, part: ToolResult) -> None:
        self._cache(part.cache)
        if part.error:
            self._losses.lose("is_error")
        content = [block for one in part.parts if isinstance(one, Text) and (block := self._block(one)) is not None]
        for one in part.parts:
            if isinstance(one, Media):
                self._losses.lose(one.kind, "results of tools are text")
        self.written.append({"role": "tool", "tool_call_id": part.id, "content": _plain(content) if content else ""})

    def _block(self, part: Part) -> dict[str, Any] | None:
        match part:
            case Text() if part.text:
                self._cache(part.cache)
                return {"type": "text", "text": part.text}
            case Refused(text):
                return {"type": "text", "text": text}
            case Media():
                return self._media(part)
            case Native(_, kind):
                self._losses.lose_content(kind)
        return None

    def _media(self, media: Media) -> dict[str, Any] | None:
        self._cache(media.cache)
        address = media.url or (f"data:{media.mime or 'image/png'};base64,{media.data}" if media.data else "")
        if media.kind != "image":
            self._losses.lose(media.kind)
            return None
        if not address:
            self._losses.lose("file_id", "the file is stored at another provider")
            return None
        image = {"url": address}
        if media.detail:
            image["detail"] = media.detail
        return {"type": "image_url", "image_url": image}

    def _cache(self, cache: str) -> None:
        if cache:
            self._losses.lose("cache_control")


def _plain(content: list[dict[str, Any]]) -> Any:
    """One text alone is a string."""
    return content[0]["text"] if len(content) == 1 and content[0]["type"] == "text" else content
