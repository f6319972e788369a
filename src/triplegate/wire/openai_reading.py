"""A chat request of OpenAI's dialect, read into the neutral form."""

from typing import Any

import msgspec

from triplegate.wire.json_members import Members, read_members
from triplegate.wire.neutral import Format, NativeTool, Raw, Request, Thinking, Tool, ToolChoice
from triplegate.wire.openai_chat import read_call, wrong
from triplegate.wire.openai_messages import read_messages

NULL = b"null"

_strings = msgspec.json.Decoder(str | list[str]).decode
_number = msgspec.json.Decoder(float).decode
_integer = msgspec.json.Decoder(int).decode
_flag = msgspec.json.Decoder(bool).decode
_string = msgspec.json.Decoder(str).decode
_map = msgspec.json.Decoder(dict[str, str]).decode


class _Function(msgspec.Struct, gc=False):
    name: str
    description: str | None = None
    parameters: Raw = Raw(b"")
    strict: bool | None = None


class _Tool(msgspec.Struct, gc=False):
    type: str = "function"
    function: _Function | None = None


class _Named(msgspec.Struct, gc=False):
    name: str | None = None


class _Choice(msgspec.Struct, gc=False):
    type: str = "function"
    function: _Named | None = None
    custom: _Named | None = None
    name: str | None = None


class _Schema(msgspec.Struct, gc=False):
    name: str = ""
    description: str | None = None
    schema: Raw = Raw(b"")
    strict: bool | None = None


class _Format(msgspec.Struct, gc=False):
    type: str
    json_schema: _Schema | None = None


class _Reasoning(msgspec.Struct, gc=False):
    """OpenRouter's `reasoning`."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


_raws = msgspec.json.Decoder(list[Raw]).decode
_tool = msgspec.json.Decoder(_Tool).decode
_functions = msgspec.json.Decoder(list[_Function]).decode
_choice = msgspec.json.Decoder(str | _Choice).decode
_format = msgspec.json.Decoder(_Format).decode
_reasoning = msgspec.json.Decoder(_Reasoning).decode

_READ = frozenset(
    (
        "model",
        "messages",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "parallel_tool_calls",
        "stream",
        "stream_options",
        "max_completion_tokens",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "n",
        "logprobs",
        "top_logprobs",
        "response_format",
        "reasoning_effort",
        "reasoning",
        "user",
        "service_tier",
        "verbosity",
        "prompt_cache_key",
        "metadata",
    )
)
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


class Fields:
    """The members of a request, each decoded when it is asked for."""

    __slots__ = ("members",)

    def __init__(self, members: Members) -> None:
        self.members = members

    def get(self, name: str, decode: Any) -> Any:
        """The decoded member; None when it is absent or null. Raises Refusal invalid_body."""
        raw = self.members.get(name)
        if raw is None or bytes(raw) == NULL:
            return None
        try:
            return decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise wrong(name, f"cannot be read: {error}") from error

    def number(self, name: str) -> float | None:
        """A number."""
        return self.get(name, _number)  # type: ignore[no-any-return]

    def integer(self, name: str) -> int | None:
        """A whole number."""
        return self.get(name, _integer)  # type: ignore[no-any-return]

    def flag(self, name: str) -> bool | None:
        """True or false."""
        return self.get(name, _flag)  # type: ignore[no-any-return]

    def text(self, name: str) -> str:
        """A string; empty when absent."""
        return self.get(name, _string) or ""

    def strings(self, name: str) -> tuple[str, ...]:
        """A string or a list of them."""
        said = self.get(name, _strings)
        return () if said is None else (said,) if isinstance(said, str) else tuple(said)

    def map(self, name: str) -> dict[str, str]:
        """Strings by name."""
        return self.get(name, _map) or {}

    def rest(self, read: frozenset[str]) -> dict[str, Raw]:
        """The members that are not among `read`, but for nulls."""
        return {
            name: raw.copy() for name, raw in self.members.items() if name not in read and bytes(raw) not in (b"", NULL)
        }


def read_request(text: bytes) -> Request:
    """The request that `text` is. Raises Refusal invalid_body with the parameter's name."""
    call = read_call(text)
    fields = Fields(read_members(text))
    choice, rest = _read_choice(fields), fields.rest(_READ)
    if choice is None and (raw := fields.members.get("tool_choice")) is not None and bytes(raw) != NULL:
        rest["tool_choice"] = raw.copy()
    return Request(
        dialect="openai",
        model=call.model,
        messages=read_messages(fields.get("messages", _raws) or []),
        tools=_read_tools(fields),
        tool_choice=choice,
        parallel_tools=fields.flag("parallel_tool_calls"),
        stream=call.stream,
        max_tokens=call.max_tokens,
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        stop=fields.strings("stop"),
        seed=fields.integer("seed"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        n=call.n,
        logprobs=bool(fields.flag("logprobs")),
        top_logprobs=fields.integer("top_logprobs"),
        format=_read_format(fields),
        thinking=_read_thinking(fields),
        user=fields.text("user"),
        service_tier=fields.text("service_tier"),
        verbosity=fields.text("verbosity"),
        cache_key=fields.text("prompt_cache_key"),
        metadata=fields.map("metadata"),
        rest=rest,
    )


def _read_tools(fields: Fields) -> tuple[Tool | NativeTool, ...]:
    tools: list[Tool | NativeTool] = []
    for raw in fields.get("tools", _raws) or ():
        try:
            said = _tool(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong("tools", f"cannot be read: {error}") from error
        if said.type == "function" and said.function is not None:
            tools.append(_read_function(said.function))
        else:
            tools.append(NativeTool("openai", said.type, bytes(raw)))
    return (*tools, *[_read_function(one) for one in fields.get("functions", _functions) or ()])


def _read_function(said: _Function) -> Tool:
    schema = b"" if bytes(said.parameters) == NULL else bytes(said.parameters)
    return Tool(said.name, said.description or "", schema, said.strict)


def _read_choice(fields: Fields) -> ToolChoice | None:
    """None, too, for a choice that only this family knows (allowed_tools)."""
    said = fields.get("tool_choice", _choice)
    if said is None:
        said = fields.get("function_call", _choice)
    if said is None:
        return None
    if isinstance(said, str):
        if said not in _MODES:
            raise wrong("tool_choice", "must be auto, none, required or an object")
        return ToolChoice(_MODES[said])  # type: ignore[arg-type]  # one of them
    named = said.function or said.custom or _Named(said.name)
    return ToolChoice("named", named.name) if named.name else None


def _read_format(fields: Fields) -> Format | None:
    said = fields.get("response_format", _format)
    if said is None:
        return None
    if said.type == "json_schema" and said.json_schema is not None:
        schema = said.json_schema
        raw = b"" if bytes(schema.schema) == NULL else bytes(schema.schema)
        return Format("schema", schema.name, raw, schema.description or "", schema.strict)
    return Format("json" if said.type == "json_object" else "text")


def _read_thinking(fields: Fields) -> Thinking | None:
    effort = fields.text("reasoning_effort")
    said = fields.get("reasoning", _reasoning)
    if said is None:
        return Thinking(effort) if effort else None
    budget = 0 if said.enabled is False else said.max_tokens
    return Thinking(effort or said.effort or "", budget, visible=None if said.exclude is None else not said.exclude)
