"""A Responses request, read into the neutral form."""

from typing import Any

import msgspec

from triplegate.wire.json_members import read_members
from triplegate.wire.neutral import Format, Message, NativeTool, Raw, Request, Text, Thinking, Tool, ToolChoice
from triplegate.wire.openai_chat import wrong
from triplegate.wire.openai_reading import NULL, Fields
from triplegate.wire.responses_call import read_call
from triplegate.wire.responses_items import FAMILY, read_items

INSTRUCTIONS = "instructions"
"""Id of the system message that stands for them."""


class _Tool(msgspec.Struct, gc=False):
    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: Raw = Raw(b"")
    strict: bool | None = None


class _Kind(msgspec.Struct, gc=False):
    type: str = "function"


class _Choice(msgspec.Struct, gc=False):
    type: str = ""
    name: str | None = None


class _Format(msgspec.Struct, gc=False):
    type: str = "text"
    name: str = ""
    description: str | None = None
    schema: Raw = Raw(b"")
    strict: bool | None = None


class _Wording(msgspec.Struct, gc=False):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct, gc=False):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


_raws = msgspec.json.Decoder(list[Raw]).decode
_input = msgspec.json.Decoder(str | list[Raw]).decode
_tool = msgspec.json.Decoder(_Tool).decode
_kind = msgspec.json.Decoder(_Kind).decode
_choice = msgspec.json.Decoder(str | _Choice).decode
_wording = msgspec.json.Decoder(_Wording).decode
_reasoning = msgspec.json.Decoder(_Reasoning).decode

_READ = frozenset(
    (
        "model",
        "input",
        "instructions",
        "stream",
        "stream_options",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "user",
        "service_tier",
        "prompt_cache_key",
        "metadata",
        "previous_response_id",
    )
)
_DEFAULTS = {"truncation": b'"disabled"', "background": b"false"}


def read_request(text: bytes) -> Request:
    """The request that `text` is. Raises Refusal invalid_body with the parameter's name."""
    call = read_call(text)
    fields = Fields(read_members(text))
    choice, rest = _read_choice(fields), fields.rest(_READ)
    rest = {name: raw for name, raw in rest.items() if _DEFAULTS.get(name) != bytes(raw)}
    if choice is None and (raw := fields.members.get("tool_choice")) is not None and bytes(raw) != NULL:
        rest["tool_choice"] = raw.copy()
    wording: _Wording = fields.get("text", _wording) or _Wording()
    weighed = fields.integer("top_logprobs")
    return Request(
        dialect=FAMILY,
        model=call.model,
        messages=_read_messages(fields),
        tools=_read_tools(fields),
        tool_choice=choice,
        parallel_tools=fields.flag("parallel_tool_calls"),
        stream=call.stream,
        max_tokens=call.max_tokens,
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        logprobs=bool(weighed) or b"message.output_text.logprobs" in bytes(rest.get("include", b"")),
        top_logprobs=weighed,
        format=_read_format(wording.format),
        thinking=_read_thinking(fields),
        user=fields.text("user"),
        service_tier=fields.text("service_tier"),
        verbosity=wording.verbosity or "",
        cache_key=fields.text("prompt_cache_key"),
        metadata=fields.map("metadata"),
        previous=fields.text("previous_response_id"),
        rest=rest,
    )


def _read_messages(fields: Fields) -> tuple[Message, ...]:
    said: Any = fields.get("input", _input)
    messages = [Message("user", (Text(said),))] if isinstance(said, str) else read_items(said or [])
    instructions = fields.text("instructions")
    if instructions:
        messages.insert(0, Message("system", (Text(instructions),), id=INSTRUCTIONS))
    return tuple(messages)


def _read_tools(fields: Fields) -> tuple[Tool | NativeTool, ...]:
    tools: list[Tool | NativeTool] = []
    for raw in fields.get("tools", _raws) or ():
        try:
            kind = _kind(raw).type
            if kind != "function":
                tools.append(NativeTool(FAMILY, kind, bytes(raw)))
                continue
            said = _tool(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong("tools", f"cannot be read: {error}") from error
        schema = b"" if bytes(said.parameters) == NULL else bytes(said.parameters)
        tools.append(Tool(said.name, said.description or "", schema, said.strict))
    return tuple(tools)


def _read_choice(fields: Fields) -> ToolChoice | None:
    """None, too, for a choice that only this family knows."""
    said = fields.get("tool_choice", _choice)
    if said is None:
        return None
    if isinstance(said, str):
        if said not in ("auto", "none", "required"):
            raise wrong("tool_choice", "must be auto, none, required or an object")
        return ToolChoice(said)  # type: ignore[arg-type]  # one of the three
    if said.type in ("function", "custom") and said.name:
        return ToolChoice("named", said.name)
    return None


def _read_format(said: _Format | None) -> Format | None:
    if said is None:
        return None
    if said.type == "json_schema":
        schema = b"" if bytes(said.schema) == NULL else bytes(said.schema)
        return Format("schema", said.name, schema, said.description or "", said.strict)
    return Format("json" if said.type == "json_object" else "text")


def _read_thinking(fields: Fields) -> Thinking | None:
    said: _Reasoning | None = fields.get("reasoning", _reasoning)
    if said is None:
        return None
    summary = said.summary or said.generate_summary or ""
    return Thinking(said.effort or "", summary=summary) if said.effort or summary else None
