"""OpenAI's custom tools, called with free text, for providers that know functions only: the text is one argument."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Message, NativeTool, Part, Request, Tool, ToolUse
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Event

CHAT, RESPONSES = "openai", "openai_responses"
_KIND = "custom"
SCHEMA = b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
"""Of the function that stands for a custom tool."""


class _Grammar(msgspec.Struct, gc=False):
    syntax: str = ""
    definition: str = ""


class _Format(msgspec.Struct, gc=False):
    type: str = "text"
    syntax: str = ""
    definition: str = ""
    grammar: _Grammar | None = None
    """Chat's way; in Responses the two stand in the format itself."""


class _Custom(msgspec.Struct, gc=False):
    name: str = ""
    description: str | None = None
    format: _Format | None = None
    custom: "_Custom | None" = None
    """Chat's way."""


class _Argument(msgspec.Struct, gc=False):
    input: str


_custom = msgspec.json.Decoder(_Custom).decode
_argument = msgspec.json.Decoder(_Argument).decode
_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def names(request: Request) -> frozenset[str]:
    """The custom tools that the model may call."""
    return frozenset(said.name for tool in request.tools if (said := _read(tool)) is not None)


def known_to(family: str, request: Request, losses: Losses) -> Request:
    """The request with its custom tools as `family` knows them, the calls of earlier turns included."""
    tools = tuple(_tool(tool, family, losses) for tool in request.tools)
    messages = request.messages if family in (CHAT, RESPONSES) else tuple(map(_message, request.messages))
    if all(map(_same, tools, request.tools)) and all(map(_same, messages, request.messages)):
        return request
    return msgspec.structs.replace(request, tools=tools, messages=messages)


def _same(one: object, other: object) -> bool:
    return one is other


def _read(tool: Tool | NativeTool) -> _Custom | None:
    if not isinstance(tool, NativeTool) or tool.kind != _KIND or tool.provider not in (CHAT, RESPONSES):
        return None
    try:
        said = _custom(tool.raw)
    except _BROKEN:
        return None
    said = said.custom or said
    return said if said.name else None


def _tool(tool: Tool | NativeTool, family: str, losses: Losses) -> Tool | NativeTool:
    said = _read(tool)
    if said is None or (isinstance(tool, NativeTool) and tool.provider == family):
        return tool
    if family in (CHAT, RESPONSES):
        return NativeTool(family, _KIND, _encode(_written(said, family)))
    grammar, description = _grammar(said), said.description or ""
    if grammar is not None:
        losses.lose("grammar", "the model is told of it, but not bound to it")
        told = f"The input must be of this {grammar.syntax} grammar:\n{grammar.definition}"
        description = f"{description}\n\n{told}" if description else told
    return Tool(said.name, description, SCHEMA)


def _grammar(said: _Custom) -> _Grammar | None:
    form = said.format
    if form is None or form.type != "grammar":
        return None
    return form.grammar or _Grammar(form.syntax, form.definition)


def _written(said: _Custom, family: str) -> dict[str, Any]:
    written: dict[str, Any] = {"name": said.name}
    if said.description:
        written["description"] = said.description
    grammar = _grammar(said)
    if grammar is not None:
        inner = {"syntax": grammar.syntax, "definition": grammar.definition}
        written["format"] = {"type": "grammar", **({"grammar": inner} if family == CHAT else inner)}
    return {"type": _KIND, _KIND: written} if family == CHAT else {"type": _KIND, **written}


def _message(message: Message) -> Message:
    if not any(isinstance(part, ToolUse) and part.custom for part in message.parts):
        return message
    return msgspec.structs.replace(message, parts=tuple(map(_part, message.parts)))


def _part(part: Part) -> Part:
    if not isinstance(part, ToolUse) or not part.custom:
        return part
    return msgspec.structs.replace(part, arguments=_encode({"input": part.arguments}).decode(), custom=False)


_BEGIN = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_LONGEST_BEGIN = 64
_TEXT = re.compile(r'(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
_HALF = re.compile(r"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})\Z")
"""The first half of a character, whose second is still to come."""


class _Call:
    """Arguments of one call as they come: `{"input": "…"}` is told as the text it holds."""

    __slots__ = ("_inside", "_kept", "_over")

    def __init__(self) -> None:
        self._inside = self._over = False
        self._kept: list[str] = []

    def feed(self, text: str) -> str:
        """What of the tool's text is known by now."""
        if self._over:
            return ""
        self._kept.append(text)
        if not self._inside and len(self._kept) > _LONGEST_BEGIN:
            return ""  # another shape: it is understood when it is whole
        held = "".join(self._kept)
        if not self._inside:
            begun = _BEGIN.match(held)
            if begun is None:
                return ""
            self._inside, held = True, held[begun.end() :]
        found = _TEXT.match(held)
        assert found is not None
        end = found.end()
        self._over = held[end : end + 1] == '"'
        if not self._over and (half := _HALF.search(held, 0, end)) is not None:
            end = half.start(1)
        self._kept = [held[end:]]
        return _unescaped(held[:end])

    def rest(self) -> str:
        """What was not told yet when the call is whole."""
        if self._inside:
            return ""
        held = "".join(self._kept)
        try:
            return _argument(held).input
        except _BROKEN:
            return held


def _unescaped(text: str) -> str:
    if "\\" not in text and text.isprintable():
        return text
    try:
        return _string(f'"{text}"'.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeDecodeError):  # half a character, or a bare control character
        return text


class Unwrapped:
    """Events of an answer, in which calls of functions that stand for custom tools become calls of those."""

    __slots__ = ("_calls", "_names")

    def __init__(self, custom: frozenset[str]) -> None:
        self._names = custom
        self._calls: dict[int, _Call] = {}

    def __call__(self, events: Iterable[Event]) -> list[Event]:
        """The events as the client knows them."""
        return [told for event in events for told in self._told(event)]

    def _told(self, event: Event) -> list[Event]:
        if isinstance(event, BlockStart):
            if event.kind != "tool_call" or event.name not in self._names:
                return [event]
            self._calls[event.index] = _Call()
            return [msgspec.structs.replace(event, kind="custom_tool_call")]
        if not isinstance(event, Delta | BlockEnd) or event.index not in self._calls:
            return [event]
        if isinstance(event, Delta):
            text = self._calls[event.index].feed(event.text)
            return [Delta(event.index, text)] if text else []
        rest = self._calls.pop(event.index).rest()
        return [Delta(event.index, rest), event] if rest else [event]


def unwrapping(family: str, request: Request) -> Unwrapped | None:
    """What brings the calls in an answer of `family` back; None where no custom tool went there as a function."""
    custom = names(request) if family not in (CHAT, RESPONSES) and request.tools else frozenset()
    return Unwrapped(custom) if custom else None
