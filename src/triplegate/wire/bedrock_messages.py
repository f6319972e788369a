"""Messages of a neutral request as Bedrock's turns of user and assistant."""

import re
from hashlib import sha256
from typing import Any

from triplegate.wire.bedrock_media import Medium
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    BEFORE,
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
from triplegate.wire.tool_arguments import object_of

_NOT_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_VENDORS = re.compile(
    r"(?:^|[./])(ai21|anthropic|amazon|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia"
    r"|openai|qwen|stability|twelvelabs|writer|zai)\."
)


def vendor(model: str) -> str:
    """Who made a model: anthropic of us.anthropic.claude-…; empty for inference profiles that do not say."""
    found = _VENDORS.search(model)
    return found[1] if found is not None else ""


def cache_point(cache: str) -> dict[str, Any]:
    """A breakpoint; five minutes is what is meant when nothing is said."""
    return {"cachePoint": {"type": "default", "ttl": "1h"} if cache == "1h" else {"type": "default"}}


class Turns:
    """Takes messages in and gives system blocks and turns; neighbours of one role become one turn."""

    __slots__ = ("_blocks", "_caches", "_losses", "_medium", "_turns", "system", "used")

    def __init__(self, model: str, losses: Losses) -> None:
        self._losses, self._medium = losses, Medium(losses)
        self._caches = vendor(model) in ("anthropic", "amazon", "")
        self._turns: list[dict[str, Any]] = []
        self._blocks: list[Any] = []
        self.system: list[Any] = []
        self.used: dict[str, None] = {}
        """Names of the tools that were called."""

    def add(self, message: Message) -> None:
        """The next message. A system message behind the first turn stands in its place as the user's words."""
        if message.name:
            self._losses.lose("name")
        if message.role in ("system", "developer") and not self._turns:
            self._blocks = self.system
            for part in message.parts:
                if isinstance(part, Text):
                    self._part(part)
            return
        role = "assistant" if message.role == "assistant" else "user"
        fresh = not self._turns or self._turns[-1]["role"] != role
        self._blocks = [] if fresh else self._turns[-1]["content"]
        for part in message.parts:
            self._part(part)
        if fresh and self._blocks:
            self._turns.append({"role": role, "content": self._blocks})

    def done(self, cache: str) -> list[dict[str, Any]]:
        """The turns, with a breakpoint behind the last where the whole prompt is to be kept.

        With Bedrock the user must begin; lonely system blocks are the user's.
        """
        if not self._turns and self.system:
            self._turns.append({"role": "user", "content": self.system})
            self.system = []
        elif self._turns and self._turns[0]["role"] == "assistant":
            self._turns.insert(0, {"role": "user", "content": [{"text": BEFORE}]})
        if cache:
            self._blocks = self._turns[-1]["content"] if self._turns else []
            if not self._blocks or "cachePoint" not in self._blocks[-1]:
                self.cache(cache)
        return self._turns

    @property
    def thoughtless(self) -> bool:
        """Whether a call that is under way was made without thoughts of ours, which stands against thinking now."""
        for turn in reversed(self._turns):
            blocks = turn["content"]
            if turn["role"] == "assistant":
                called = any(isinstance(one, dict) and "toolUse" in one for one in blocks)
                return called and not (isinstance(blocks[0], dict) and "reasoningContent" in blocks[0])
        return False

    def cache(self, cache: str) -> None:
        """A breakpoint behind what was written last."""
        if not cache:
            return
        if self._caches and self._blocks:
            self._blocks.append(cache_point(cache))
        else:
            self._losses.lose("cache_control")

    def _part(self, part: Part) -> None:
        match part:
            case Text(text) | Refused(text):
                self._blocks += [{"text": text}] if text.strip() else []  # mere white space is refused
            case Media():
                self._blocks += [block] if (block := self._medium.block(part)) else []
            case ToolUse():
                self._call(part)
            case ToolResult():
                self._result(part)
            case Reasoning():
                self._thoughts(part)
            case Native(provider, kind, raw):
                if provider == "bedrock":
                    self._blocks.append(Raw(raw))
                else:
                    self._losses.lose_content(kind)
        self.cache(getattr(part, "cache", ""))

    def _call(self, part: ToolUse) -> None:
        self.used[part.name] = None
        call = {"toolUseId": _id(part.id), "name": part.name, "input": Raw(object_of(part, self._losses))}
        self._blocks.append({"toolUse": call})

    def _result(self, part: ToolResult) -> None:
        content: list[Any] = []
        for one in part.parts:
            if isinstance(one, Text):
                if one.text.strip():
                    content.append({"text": one.text})
            elif one.kind == "audio":
                self._losses.lose("audio", "results of tools cannot hold it")
            elif block := self._medium.block(one):
                content.append(block)
        result: dict[str, Any] = {"toolUseId": _id(part.id), "content": content}
        if part.error:
            result["status"] = "error"
        self._blocks.append({"toolResult": result})

    def _thoughts(self, part: Reasoning) -> None:
        """Only thoughts that Bedrock signed go back: it refuses others."""
        for opaque in part.opaque:
            if (thought := _thought(part.text, opaque)) is not None:
                self._blocks.append({"reasoningContent": thought})


def _thought(text: str, opaque: Opaque) -> dict[str, Any] | None:
    if opaque.provider != "bedrock":
        return None
    if opaque.kind == "redacted":
        return {"redactedContent": opaque.value}
    return {"reasoningText": {"text": text, "signature": opaque.value}}


def _id(name: str) -> str:
    """An id as Bedrock takes it; what is too long or has other characters is told apart by its checksum."""
    plain = _NOT_ID.sub("_", name)
    if plain == name and 0 < len(name) <= 64:
        return name
    return f"{plain[:40]}_{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
