"""An Anthropic messages request, whole, in neutral form."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_call import wrong
from triplegate.wire.json_members import read_members
from triplegate.wire.neutral import (
    Citation,
    Format,
    Media,
    Message,
    Native,
    NativeTool,
    Part,
    Raw,
    Reasoning,
    Request,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    unseal,
)

FAMILY = "anthropic"


class _Cache(msgspec.Struct, gc=False):
    type: str = ""
    ttl: str = "5m"


class _Source(msgspec.Struct, gc=False):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    source: Raw = Raw(b"")
    cache_control: _Cache | None = None
    citations: Raw = Raw(b"")
    id: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")
    tool_use_id: str = ""
    content: Raw = Raw(b"")
    is_error: bool | None = None
    thinking: str = ""
    signature: str = ""
    data: str = ""
    title: str | None = None
    context: str | None = None


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: Raw


class _Tool(msgspec.Struct):
    name: str = ""
    type: str | None = None
    description: str = ""
    input_schema: Raw = Raw(b"")
    strict: bool | None = None
    cache_control: _Cache | None = None


class _Choice(msgspec.Struct, gc=False):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class _Thinking(msgspec.Struct, gc=False):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class _Format(msgspec.Struct, gc=False):
    type: str
    schema: Raw = Raw(b"")


class _Output(msgspec.Struct, gc=False):
    effort: str | None = None
    format: _Format | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    system: Raw = Raw(b"")
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    tools: list[Raw] | None = None
    tool_choice: _Choice | None = None
    thinking: _Thinking | None = None
    output_config: _Output | None = None
    output_format: _Format | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    cache_control: _Cache | None = None


_body = msgspec.json.Decoder(_Body).decode
_blocks = msgspec.json.Decoder(list[Raw]).decode
_block = msgspec.json.Decoder(_Block).decode
_source = msgspec.json.Decoder(_Source).decode
_tool = msgspec.json.Decoder(_Tool).decode
_string = msgspec.json.Decoder(str).decode
_list = msgspec.json.Decoder(list[Raw]).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_TOOL = frozenset(_Tool.__struct_fields__)
_KNOWN = frozenset(_Body.__struct_fields__)
_encode = msgspec.json.Encoder().encode


def read_request(text: bytes) -> Request:
    """The request that `text` is. Raises Refusal invalid_body with the parameter's name."""
    members = read_members(text)
    try:
        body = _body(text)
        messages = [*_system(body.system), *[_message(each) for each in body.messages]]
        tools = tuple([_read_tool(raw) for raw in body.tools or ()])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong(_where(str(error)), f"cannot be read: {error}") from error
    choice = body.tool_choice
    return Request(
        FAMILY,
        body.model,
        tuple(messages),
        tools,
        None if choice is None else ToolChoice(_MODES[choice.type], choice.name),
        None if choice is None or choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use,
        bool(body.stream),
        body.max_tokens,
        body.temperature,
        body.top_p,
        body.top_k,
        tuple(body.stop_sequences or ()),
        format=_read_format(body),
        thinking=_read_thinking(body),
        user=str((body.metadata or {}).get("user_id") or ""),
        service_tier=body.service_tier or "",
        cache=_ttl(body.cache_control),
        rest=_rest(members, body),
    )


def _rest(members: dict[str, Raw], body: _Body) -> dict[str, Raw]:
    """What no neutral field stands for, by its name; of objects that some stand for, the other members."""
    rest = {name: value for name, value in members.items() if name not in _KNOWN and bytes(value) != b"null"}
    off = body.thinking is not None and body.thinking.type == "disabled"
    taken = {"metadata": ("user_id",), "output_config": ("format",) if off else ("format", "effort")}
    for name, known in taken.items():
        if bytes(members.get(name, b""))[:1] == b"{":
            more = {key: value for key, value in _members(members[name]).items() if key not in known}
            if more:
                rest[name] = Raw(_encode(more))
    if body.thinking is not None and body.thinking.type not in _THINKS:
        rest["thinking"] = members["thinking"]
    return rest


_THINKS = frozenset({"enabled", "adaptive", "disabled"})


_MODES: dict[str, Literal["auto", "none", "required", "named"]] = {
    "auto": "auto",
    "any": "required",
    "tool": "named",
    "none": "none",
}


def _where(words: str) -> str:
    """`$.messages[0].role` in a decoder's words, as a parameter's name."""
    path = words.rpartition("`$.")[2].partition("`")[0] if "`$." in words else "messages"
    return path.partition("[")[0] or "messages"


def _ttl(cache: _Cache | None) -> str:
    return "" if cache is None else cache.ttl


def _system(raw: Raw) -> list[Message]:
    if not len(raw) or bytes(raw) == b"null":
        return []
    return [Message("system", _parts(raw))]


def _message(said: _Message) -> Message:
    """A turn; one that holds nothing but tool results is the tools' own."""
    parts = _parts(said.content)
    if said.role == "user" and parts and all(isinstance(part, ToolResult) for part in parts):
        return Message("tool", parts)
    return Message(said.role, parts)


def _parts(raw: Raw) -> tuple[Part, ...]:
    if bytes(raw)[:1] == b'"':
        return (Text(_string(raw)),)
    return tuple([_part(each) for each in _blocks(raw)])


def _part(raw: Raw) -> Part:
    block = _block(raw)
    read = _READERS.get(block.type)
    part = None if read is None else read(block)
    return Native(FAMILY, block.type, bytes(raw)) if part is None else part


def _text(block: _Block) -> Part:
    return Text(block.text, _ttl(block.cache_control), _citations(block.citations))


def _citations(raw: Raw) -> tuple[Citation, ...]:
    if bytes(raw)[:1] != b"[":
        return ()
    return tuple([citation_of(each) for each in _list(raw)])


class _Cited(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    document_title: str | None = None
    cited_text: str | None = None


_cited = msgspec.json.Decoder(_Cited).decode


def citation_of(raw: Raw | bytes) -> Citation:
    """One citation as Anthropic writes it."""
    said = _cited(raw)
    return Citation(
        said.url or "", said.title or said.document_title or "", said.cited_text or "", provider=FAMILY, raw=bytes(raw)
    )


def _media(kind: Literal["image", "file"]) -> "Callable[[_Block], Part | None]":
    def read(block: _Block) -> Part | None:
        if bytes(block.source)[:1] != b"{" or b'"enabled":true' in bytes(block.citations).replace(b" ", b""):
            return None  # cited documents are Anthropic's own
        source = _source(block.source)
        if source.type not in ("base64", "url", "file") or block.context:
            return None
        mime = source.media_type or ("application/pdf" if kind == "file" and source.type == "url" else "")
        cache = _ttl(block.cache_control)
        return Media(kind, mime, source.data, source.url, source.file_id, block.title or "", cache=cache)

    return read


def _tool_use(block: _Block) -> Part:
    return ToolUse(block.id, block.name, bytes(block.input).decode("utf-8"), cache=_ttl(block.cache_control))


def _tool_result(block: _Block) -> Part | None:
    parts = _parts(block.content) if len(block.content) and bytes(block.content) != b"null" else ()
    if not all(isinstance(part, Text | Media) for part in parts):
        return None
    plain: Any = parts
    return ToolResult(block.tool_use_id, plain, bool(block.is_error), cache=_ttl(block.cache_control))


def _thinking(block: _Block) -> Part:
    opaque = (unseal(block.signature, FAMILY, "signature"),) if block.signature else ()
    return Reasoning(block.thinking, opaque)


def _redacted(block: _Block) -> Part:
    return Reasoning("", (unseal(block.data, FAMILY, "redacted"),))


_READERS: dict[str, Callable[[_Block], Part | None]] = {
    "text": _text,
    "image": _media("image"),
    "document": _media("file"),
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}


def _read_tool(raw: Raw) -> Tool | NativeTool:
    tool = _tool(raw)
    if tool.type not in (None, "custom") or _more_than_known(raw):
        return NativeTool(FAMILY, tool.type or tool.name, bytes(raw))
    schema = b"" if bytes(tool.input_schema) == b"null" else bytes(tool.input_schema)
    return Tool(tool.name, tool.description, schema, tool.strict, _ttl(tool.cache_control))


def _more_than_known(raw: Raw) -> bool:
    """A tool with settings of Anthropic's own (deferred loading, callers) is its own kind of tool."""
    return not frozenset(_members(raw)) <= _TOOL


def _read_format(body: _Body) -> Format | None:
    wanted = body.output_format or (body.output_config.format if body.output_config is not None else None)
    if wanted is None:
        return None
    if wanted.type != "json_schema":
        raise Refusal("invalid_body", f"The output format '{wanted.type}' is not known.")
    return Format("schema", "output", bytes(wanted.schema), strict=True)


def _read_thinking(body: _Body) -> Thinking | None:
    effort = (body.output_config.effort if body.output_config is not None else None) or ""
    said = body.thinking
    if said is None or said.type not in _THINKS:
        return Thinking(effort) if effort else None
    visible = None if said.display is None else said.display != "omitted"
    if said.type == "disabled":
        return Thinking("none", 0)
    budget = -1 if said.type == "adaptive" else said.budget_tokens
    return Thinking(effort, budget, visible=visible)
