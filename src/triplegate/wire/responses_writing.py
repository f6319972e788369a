"""A neutral request written as a call of OpenAI's Responses."""

from typing import Any

import msgspec

from triplegate.wire.codec import Losable, Losses, LossName
from triplegate.wire.neutral import Format, NativeTool, Raw, Request, Tool, ToolChoice
from triplegate.wire.openai_writing import effort, function_of, schema_of
from triplegate.wire.responses_items import FAMILY
from triplegate.wire.responses_turns import Turns

_encode = msgspec.json.Encoder().encode

LOSSES: tuple[Losable, ...] = (
    "audio",
    "cache_control",
    "file",
    "frequency_penalty",
    "image",
    "is_error",
    "metadata",
    "n",
    "name",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "seed",
    "service_tier",
    "stop",
    "thinking",
    "top_k",
    "video",
    "content.*",
    "tools.*",
)
"""What is left out, always or where the dialect has no word for all it can say."""

_SHARED = frozenset({"safety_identifier", "prompt_cache_retention", "prompt_cache_options", "moderation"})
_DEFAULTS = frozenset({b"null", b"false", b"[]", b"{}", b"0"})
_TIERS = frozenset({"", "auto", "default", "flex", "priority", "scale"})


def path(model: str, stream: bool) -> str:
    """Below the base URL."""
    return "responses"


def write_request(request: Request, model: str, losses: Losses) -> bytes:
    """The body; input stands last, so that a longer conversation begins with the bytes of the shorter one."""
    own = request.dialect == FAMILY
    _lose(request, losses, own)
    body: dict[str, Any] = {"model": model}
    if request.stream:
        body["stream"] = True
    if not own:
        body["store"] = False
    body |= {name: value for name, value in _settings(request, losses, own).items() if value is not None}
    if tools := write_tools(request, losses):
        body["tools"] = tools
        if request.tool_choice is not None:
            body["tool_choice"] = write_choice(request.tool_choice, request.tools)
        if request.parallel_tools is not None:
            body["parallel_tool_calls"] = request.parallel_tools
    body |= {name: raw for name, raw in _rest(request, losses, own).items() if name not in body}
    turns = Turns(request.dialect, losses)
    for message in request.messages:
        turns.add(message)
    if turns.instructions:
        body["instructions"] = turns.instructions
    body["input"] = turns.items
    return _encode(body)


def _rest(request: Request, losses: Losses, own: bool) -> dict[str, Raw]:
    kept: dict[str, Raw] = {}
    for name, raw in request.rest.items():
        if own or name in _SHARED:
            kept[name] = raw
        elif bytes(raw) not in _DEFAULTS:
            losses.lose_members((name,))
    return kept


def _lose(request: Request, losses: Losses, own: bool) -> None:
    lost: dict[LossName, bool] = {
        "top_k": request.top_k is not None,
        "stop": bool(request.stop),
        "seed": request.seed is not None,
        "n": request.n > 1,
        "frequency_penalty": bool(request.frequency_penalty),
        "presence_penalty": bool(request.presence_penalty),
        "cache_control": bool(request.cache),
        "metadata": bool(request.metadata) and not own and request.dialect != "openai",
        "service_tier": request.service_tier not in _TIERS and not own,
    }
    losses.lose_some(lost)


def _settings(request: Request, losses: Losses, own: bool) -> dict[str, Any]:
    include = [] if own else ["message.output_text.logprobs"] if request.logprobs else []
    if request.thinking is not None and not own:
        include.append("reasoning.encrypted_content")
    return {
        "include": include or None,
        "max_output_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_logprobs": request.top_logprobs if request.logprobs else None,
        "text": write_wording(request) or None,
        "reasoning": _reasoning(request, losses) or None,
        "user": request.user or None,
        "service_tier": request.service_tier if own or request.service_tier in _TIERS - {""} else None,
        "prompt_cache_key": request.cache_key or None,
        "metadata": (request.metadata or None) if own or request.dialect == "openai" else None,
        "previous_response_id": request.previous or None,
    }


def write_wording(request: Request) -> dict[str, Any]:
    """The `text` member: format and verbosity."""
    said: dict[str, Any] = {}
    if request.format is not None:
        said["format"] = write_format(request.format)
    if request.verbosity:
        said["verbosity"] = request.verbosity
    return said


def write_format(wanted: Format) -> dict[str, Any]:
    """The form of the text."""
    if wanted.kind == "schema":
        return {"type": "json_schema", "schema": {}, **schema_of(wanted)}
    return {"type": "json_object" if wanted.kind == "json" else "text"}


def _reasoning(request: Request, losses: Losses) -> dict[str, Any]:
    thinking = request.thinking
    word = effort(thinking, request.dialect, losses)
    said: dict[str, Any] = {} if word is None else {"effort": word}
    if thinking is not None and (thinking.summary or thinking.visible):
        said["summary"] = thinking.summary or "auto"
    return said


def write_tools(request: Request, losses: Losses) -> list[Any]:
    """Functions, and tools of the family's own."""
    tools: list[Any] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            if tool.cache:
                losses.lose("cache_control")
            tools.append({"type": "function", "parameters": None, "strict": False, **function_of(tool)})
        elif tool.provider == FAMILY:
            tools.append(Raw(tool.raw))
        else:
            losses.lose_tool(tool.kind)
    return tools


def write_choice(choice: ToolChoice, tools: tuple[Tool | NativeTool, ...]) -> Any:
    """Which tool must be called."""
    if choice.mode != "named":
        return choice.mode
    known = any(isinstance(tool, Tool) and tool.name == choice.name for tool in tools)
    return {"type": "function" if known else "custom", "name": choice.name}
