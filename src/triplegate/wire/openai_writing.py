"""A neutral request written in OpenAI's chat dialect."""

from typing import Any

import msgspec

from triplegate.wire.codec import Losable, Losses, LossName, thinking_name
from triplegate.wire.neutral import Format, NativeTool, Raw, Request, Thinking, Tool, ToolChoice
from triplegate.wire.openai_turns import Turns

_encode = msgspec.json.Encoder().encode

LOSSES: tuple[Losable, ...] = (
    "audio",
    "cache_control",
    "file",
    "image",
    "is_error",
    "metadata",
    "previous_response_id",
    "reasoning",
    "reasoning_effort",
    "service_tier",
    "thinking",
    "top_k",
    "video",
    "content.*",
    "tools.*",
)
"""What is left out, always or where the dialect has no word for all it can say."""

FAMILY = frozenset({"openai", "completions"})
_SHARED = frozenset({"safety_identifier", "prompt_cache_retention", "prompt_cache_options", "moderation"})
"""Members that mean the same in Responses."""
_DEFAULTS = frozenset({b"null", b"false", b"[]", b"{}", b'"disabled"', b'"auto"'})
"""Values that ask for nothing."""
_TIERS = frozenset({"auto", "default", "flex", "priority", "scale"})
EFFORTS = ((1024, "low"), (8192, "medium"))
"""Budgets of thinking up to which an effort stands for them; beyond is high."""


def path(model: str, stream: bool) -> str:
    """Below the base URL."""
    return "chat/completions"


def write_request(request: Request, model: str, losses: Losses) -> bytes:
    """The body; messages stand last, so that a longer conversation begins with the bytes of the shorter one."""
    body: dict[str, Any] = {"model": model}
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    body |= {name: value for name, value in _settings(request, losses).items() if value is not None}
    if tools := write_tools(request, losses):
        body["tools"] = tools
        if request.tool_choice is not None:
            body["tool_choice"] = _choice(request.tool_choice, request.tools)
        if request.parallel_tools is not None:
            body["parallel_tool_calls"] = request.parallel_tools
    for name, raw in request.rest.items():
        if request.dialect in FAMILY or name in _SHARED:
            body.setdefault(name, raw)
        elif bytes(raw) not in _DEFAULTS:
            losses.lose_members((name,))
    turns = Turns(request.dialect, losses)
    for message in request.messages:
        turns.add(message)
    body["messages"] = turns.done()
    return _encode(body)


def _settings(request: Request, losses: Losses) -> dict[str, Any]:
    lost: dict[LossName, bool] = {
        "top_k": request.top_k is not None and request.dialect not in FAMILY,
        "previous_response_id": bool(request.previous),
        "cache_control": bool(request.cache),
        "metadata": bool(request.metadata) and request.dialect not in FAMILY,
        "service_tier": bool(request.service_tier)
        and request.service_tier not in _TIERS
        and request.dialect not in FAMILY,
    }
    losses.lose_some(lost)
    return {
        "max_completion_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k if request.dialect in FAMILY else None,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "n": request.n if request.n > 1 else None,
        "logprobs": True if request.logprobs else None,
        "top_logprobs": request.top_logprobs if request.logprobs else None,
        "response_format": _format(request.format),
        "reasoning_effort": effort(request.thinking, request.dialect, losses),
        "user": request.user or None,
        "service_tier": None if lost["service_tier"] else request.service_tier or None,
        "verbosity": request.verbosity or None,
        "prompt_cache_key": request.cache_key or None,
        "metadata": None if lost["metadata"] else request.metadata or None,
    }


def effort(thinking: Thinking | None, dialect: str, losses: Losses) -> str | None:
    """OpenAI's word for how much is thought; a budget becomes the nearest one."""
    if thinking is None:
        return None
    if thinking.effort:
        return "xhigh" if thinking.effort == "max" else thinking.effort
    if thinking.budget is None or thinking.budget < 0:
        return None
    if thinking.budget == 0:
        losses.lose(thinking_name(dialect), "models of this dialect that think cannot all be told not to")
        return None
    return next((word for most, word in EFFORTS if thinking.budget <= most), "high")


def _format(wanted: Format | None) -> dict[str, Any] | None:
    if wanted is None or wanted.kind == "text":
        return None
    if wanted.kind == "json":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": schema_of(wanted)}


def schema_of(wanted: Format) -> dict[str, Any]:
    """Name, description, schema and strictness."""
    said: dict[str, Any] = {"name": wanted.name or "response"}
    if wanted.description:
        said["description"] = wanted.description
    if wanted.schema:
        said["schema"] = Raw(wanted.schema)
    if wanted.strict is not None:
        said["strict"] = wanted.strict
    return said


def write_tools(request: Request, losses: Losses) -> list[Any]:
    """Functions, and tools of the family's own."""
    tools: list[Any] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            if tool.cache:
                losses.lose("cache_control")
            tools.append({"type": "function", "function": function_of(tool)})
        elif tool.provider == "openai":
            tools.append(Raw(tool.raw))
        else:
            losses.lose_tool(tool.kind)
    return tools


def function_of(tool: Tool) -> dict[str, Any]:
    """Its name, description, parameters and strictness."""
    said: dict[str, Any] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if tool.schema:
        said["parameters"] = Raw(tool.schema)
    if tool.strict is not None:
        said["strict"] = tool.strict
    return said


def _choice(choice: ToolChoice, tools: tuple[Tool | NativeTool, ...]) -> Any:
    if choice.mode != "named":
        return choice.mode
    if any(isinstance(tool, Tool) and tool.name == choice.name for tool in tools):
        return {"type": "function", "function": {"name": choice.name}}
    return {"type": "custom", "custom": {"name": choice.name}}
