"""What a chat asks, whatever its dialect: one form for equal questions, apart into its last words and all the rest."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.wire.neutral import (
    Format,
    Media,
    Message,
    Native,
    NativeTool,
    Opaque,
    Part,
    Reasoning,
    Refused,
    Request,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode
_MOVED = frozenset({"stream", "stream_options", "user", "metadata", "safety_identifier", "store"})
"""Members that change nothing of what is answered."""


class Normal(msgspec.Struct, frozen=True, gc=False):
    """One question."""

    scope: bytes
    """Digest of all but the last words: system prompt, earlier turns, tools, parameters."""
    text: str
    """The last user's words; empty when they are more than text."""
    history: int
    """Turns of user and assistant before it."""

    def key(self, *more: bytes) -> bytes:
        """Digest of the whole question and of what else must be equal."""
        return digest((self.scope, self.text.encode(), *more))


def digest(parts: Iterable[bytes]) -> bytes:
    """SHA-256 of these parts; where one ends and the next begins is part of it."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(b"%d:" % len(part))
        hashed.update(part)
    return hashed.digest()


def normal(request: Request) -> Normal:
    """The form of `request`: ids, names of fields, the dialect and how the answer is delivered are no part of it."""
    messages, last = request.messages, ""
    if messages and messages[-1].role == "user" and all(isinstance(part, Text) for part in messages[-1].parts):
        last = "\n".join([part.text for part in messages[-1].parts if isinstance(part, Text)])
        messages = messages[:-1]
    ordinals: dict[str, int] = {}
    told: list[Any] = [
        bool(last),
        [_message(message, ordinals) for message in messages],
        [_tool(tool) for tool in request.tools],
        *_parameters(request),
    ]
    history = sum([message.role in ("user", "assistant") for message in messages])
    return Normal(digest((_encode(told),)), last, history)


def _parameters(request: Request) -> list[Any]:
    rest = {name: _value(raw) for name, raw in request.rest.items() if name not in _MOVED}
    return [
        _choice(request.tool_choice),
        request.parallel_tools,
        request.max_tokens,
        _number(request.temperature),
        _number(request.top_p),
        request.top_k,
        list(request.stop),
        request.seed,
        _number(request.frequency_penalty),
        _number(request.presence_penalty),
        request.n,
        request.logprobs,
        request.top_logprobs,
        _format(request.format),
        _thinking(request.thinking),
        request.verbosity,
        request.previous,
        rest,
    ]


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _choice(choice: ToolChoice | None) -> list[str] | None:
    return None if choice is None else [choice.mode, choice.name]


def _format(form: Format | None) -> list[Any] | None:
    if form is None or form.kind == "text":
        return None
    return [form.kind, form.name, _value(form.schema), form.description, form.strict]


def _thinking(thinking: Thinking | None) -> list[Any] | None:
    return None if thinking is None else [thinking.effort, thinking.budget, thinking.summary, thinking.visible]


def _tool(tool: Tool | NativeTool) -> list[Any]:
    if isinstance(tool, Tool):
        return ["function", tool.name, tool.description, _value(tool.schema), tool.strict]
    return [tool.provider, tool.kind, _value(tool.raw)]


def _value(raw: bytes | msgspec.Raw) -> Any:
    """JSON as a value, so that white space and the order of members say nothing."""
    text = bytes(raw)
    if not text:
        return None
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ["raw", text.hex()]


def _message(message: Message, ordinals: dict[str, int]) -> list[Any]:
    role = "system" if message.role == "developer" else message.role
    return [role, message.name, [_part(part, ordinals) for part in message.parts]]


def _part(part: Part, ordinals: dict[str, int]) -> list[Any]:
    """A part; ids of tool calls become their place in the conversation."""
    match part:
        case Text():
            return ["text", part.text]
        case Media():
            return ["media", part.kind, part.mime, part.data, part.url, part.file_id, part.detail]
        case ToolUse():
            ordinal = ordinals.setdefault(part.id, len(ordinals))
            return ["call", ordinal, part.name, part.arguments, _opaque(part.opaque)]
        case ToolResult():
            ordinal = ordinals.setdefault(part.id, len(ordinals))
            return ["result", ordinal, [_part(one, ordinals) for one in part.parts], part.error]
        case Reasoning():
            return ["thought", part.text, [_opaque(one) for one in part.opaque]]
        case Refused():
            return ["refused", part.text]
        case Native():
            return ["native", part.provider, part.kind, _value(part.raw)]


def _opaque(opaque: Opaque | None) -> list[str] | None:
    return None if opaque is None else [opaque.provider, opaque.kind, opaque.value]
