"""The neutral model of a chat request: what every llm dialect is read into, and written from."""

from typing import Literal

import msgspec

Raw = msgspec.Raw
"""JSON as it came; never decoded where nobody needs its meaning."""


class Opaque(msgspec.Struct, frozen=True, gc=False):
    """State that only its provider can read: signatures, encrypted reasoning, thought signatures.

    It is sent back byte for byte to the provider family that made it, and to no other.
    """

    provider: str
    """Family whose state it is: anthropic, openai, gemini, bedrock, …"""
    kind: Literal["signature", "redacted", "encrypted", "thought"]
    """signature of a thinking block · a redacted thinking block · encrypted_content · Gemini's thoughtSignature."""
    value: str


class Text(msgspec.Struct, frozen=True):
    """Plain text; `citations` as the dialect said them (`Citation`)."""

    text: str
    cache: str = ""
    """A cache breakpoint behind this part: its time to live ("5m", "1h"); empty = none."""
    citations: tuple["Citation", ...] = ()


class Citation(msgspec.Struct, frozen=True, gc=False):
    """Where a piece of text comes from."""

    url: str = ""
    title: str = ""
    quote: str = ""
    """The cited text."""
    start: int = 0
    """First character of the citing text within its part."""
    end: int = 0
    """Behind the last one; 0 with start 0 = the whole part."""
    provider: str = ""
    raw: bytes = b""
    """The citation as `provider` wrote it (JSON), passed on to clients of that family."""


class Media(msgspec.Struct, frozen=True, gc=False):
    """An image, audio, video or file: inline, by address, or by the provider's own id. Its payload is never decoded."""

    kind: Literal["image", "audio", "video", "file"]
    mime: str = ""
    """Media type, such as image/png; empty when the dialect did not say."""
    data: str = ""
    """Base64 as it came."""
    url: str = ""
    file_id: str = ""
    """The provider's id of an uploaded file."""
    name: str = ""
    detail: str = ""
    """OpenAI's low, high, auto."""
    cache: str = ""


class ToolUse(msgspec.Struct, frozen=True, gc=False):
    """The model's wish to call a tool; `arguments` are the JSON text as the model wrote it, never written anew."""

    id: str
    name: str
    arguments: str = "{}"
    opaque: Opaque | None = None
    custom: bool = False
    """OpenAI's custom tool: `arguments` is free text."""
    cache: str = ""


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool answered."""

    id: str
    """Of the `ToolUse` it answers."""
    parts: tuple["Text | Media", ...] = ()
    error: bool = False
    name: str = ""
    """The tool's name, where the dialect says it (Gemini needs it; writers look it up by id)."""
    cache: str = ""


class Reasoning(msgspec.Struct, frozen=True):
    """Thoughts of the model, readable, opaque or both."""

    text: str = ""
    opaque: tuple[Opaque, ...] = ()
    id: str = ""
    """The provider's id of the item (OpenAI Responses)."""
    summary: bool = False
    """The text is a summary, not the thoughts themselves."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The model's refusal as OpenAI's dialects say it apart from text."""

    text: str


class Native(msgspec.Struct, frozen=True, gc=False):
    """A block only its own family knows (server tools and their results, documents with citations, …)."""

    provider: str
    kind: str
    """Its type in that dialect."""
    raw: bytes
    """The block's JSON."""


Part = Text | Media | ToolUse | ToolResult | Reasoning | Refused | Native


class Message(msgspec.Struct, frozen=True):
    """One turn. Tool results stand in messages of role `tool`, one or more a message; system parts anywhere."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    parts: tuple[Part, ...]
    name: str = ""
    id: str = ""
    """The provider's id of the item (OpenAI Responses)."""


BEFORE = "(The conversation begins with the assistant's words.)"
"""The user's turn before an assistant's first one, for dialects in which the user begins."""


class Tool(msgspec.Struct, frozen=True, gc=False):
    """A function the model may call."""

    name: str
    description: str = ""
    schema: bytes = b""
    """JSON Schema of its arguments as it came; empty = none."""
    strict: bool | None = None
    cache: str = ""


class NativeTool(msgspec.Struct, frozen=True, gc=False):
    """A tool of the provider's own (web search, code, MCP, custom): only its family knows it."""

    provider: str
    kind: str
    raw: bytes


class ToolChoice(msgspec.Struct, frozen=True, gc=False):
    """Whether and which tool must be called."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""


class Format(msgspec.Struct, frozen=True, gc=False):
    """How the text must look."""

    kind: Literal["text", "json", "schema"] = "text"
    name: str = ""
    schema: bytes = b""
    description: str = ""
    strict: bool | None = None


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """How much the model may think before it answers."""

    effort: str = ""
    """none, minimal, low, medium, high, xhigh, …; empty when a budget or nothing was said."""
    budget: int | None = None
    """Tokens; 0 = off, -1 = as the model likes."""
    summary: str = ""
    """auto, concise, detailed; empty = not asked for."""
    visible: bool | None = None
    """Whether thoughts are wanted in the answer (Gemini's includeThoughts, Anthropic's display)."""


class Request(msgspec.Struct, frozen=True):
    """A chat request whatever its dialect. `rest` holds what no field stands for, by its name in `dialect`."""

    dialect: str
    """The family it was read from: openai, openai_responses, anthropic, gemini, bedrock, cohere."""
    model: str
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool | NativeTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int = 1
    logprobs: bool = False
    top_logprobs: int | None = None
    format: Format | None = None
    thinking: Thinking | None = None
    user: str = ""
    """The client's own label of its user."""
    service_tier: str = ""
    verbosity: str = ""
    cache: str = ""
    """An automatic cache breakpoint for the whole prompt (Anthropic's top-level cache_control)."""
    cache_key: str = ""
    """OpenAI's prompt_cache_key."""
    metadata: dict[str, str] = {}
    previous: str = ""
    """previous_response_id."""
    rest: dict[str, Raw] = {}


_SEAL = "tg1."


def seal(opaque: Opaque) -> str:
    """The state as one text that a client of another dialect echoes in its own opaque field."""
    return f"{_SEAL}{opaque.provider}.{opaque.kind}.{opaque.value}"


def unseal(text: str, provider: str, kind: Literal["signature", "redacted", "encrypted", "thought"]) -> Opaque:
    """What `seal` wrote, or else `text` as the state of `provider` itself."""
    if text.startswith(_SEAL):
        parts = text.split(".", 3)
        if len(parts) == 4 and parts[2] in _KINDS:
            return Opaque(parts[1], parts[2], parts[3])  # type: ignore[arg-type]  # one of the four
    return Opaque(provider, kind, text)


_KINDS = frozenset({"signature", "redacted", "encrypted", "thought"})
