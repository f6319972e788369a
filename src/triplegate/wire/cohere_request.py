"""A neutral request as the body of Cohere's v2 chat."""

from typing import Any

import msgspec

from triplegate.wire.codec import Losable, Losses, LossName
from triplegate.wire.cohere_messages import Messages
from triplegate.wire.neutral import Format, NativeTool, Raw, Request, Thinking, Tool

_encode = msgspec.json.Encoder().encode

LOSSES: tuple[Losable, ...] = (
    "arguments",
    "audio",
    "cache_control",
    "file",
    "file_id",
    "grammar",
    "image",
    "is_error",
    "metadata",
    "n",
    "name",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "service_tier",
    "strict",
    "top_logprobs",
    "user",
    "verbosity",
    "video",
    "content.*",
    "tools.*",
)
"""What is left out, always or where the dialect has no word for all it can say."""

_NO_ARGUMENTS = Raw(b'{"type":"object","properties":{}}')
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192}
"""Tokens for OpenAI's efforts; more is as much as the model likes."""


def path(model: str, stream: bool) -> str:
    """Below the base URL, which names the version; the model stands in the body."""
    return "chat"


def write_request(request: Request, model: str, losses: Losses) -> bytes:
    """The body; messages stand last, so that a longer conversation begins with the bytes of the shorter one."""
    _lose(request, losses)
    body: dict[str, Any] = {"model": model, "stream": request.stream}
    if request.dialect == "cohere":
        body |= request.rest
    _add_tools(request, body, losses)
    body |= {name: value for name, value in _settings(request).items() if value is not None}
    messages = Messages(losses)
    for message in request.messages:
        messages.add(message)
    body["messages"] = messages.written
    return _encode(body)


def _lose(request: Request, losses: Losses) -> None:
    said: dict[LossName, bool] = {
        "n": request.n > 1,
        "top_logprobs": request.logprobs and bool(request.top_logprobs),
        "parallel_tool_calls": request.parallel_tools is False and bool(request.tools),
        "user": bool(request.user),
        "metadata": bool(request.metadata),
        "service_tier": request.service_tier not in ("", "auto", "default", "standard"),
        "verbosity": request.verbosity not in ("", "medium"),
        "cache_control": bool(request.cache),
        "prompt_cache_key": bool(request.cache_key),
        "previous_response_id": bool(request.previous),
    }
    losses.lose_some(said)
    if request.dialect != "cohere":
        losses.lose_members(request.rest)


def _settings(request: Request) -> dict[str, Any]:
    return {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "p": request.top_p,
        "k": request.top_k,
        "stop_sequences": request.stop or None,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "logprobs": request.logprobs or None,
        "response_format": _format(request.format),
        "thinking": _thinking(request.thinking),
    }


def _add_tools(request: Request, body: dict[str, Any], losses: Losses) -> None:
    """One named tool is told by leaving out the others: Cohere can only be made to call some tool."""
    choice = request.tool_choice
    tools: list[Tool] = []
    for tool in request.tools:
        if isinstance(tool, NativeTool):
            losses.lose_tool(tool.kind)
        elif choice is None or choice.mode != "named" or tool.name == choice.name:
            tools.append(tool)
    if not tools:
        return
    body["tools"] = [_tool(tool) for tool in tools]
    if any(tool.cache for tool in tools):
        losses.lose("cache_control")
    strict = [bool(tool.strict) for tool in tools]
    if all(strict):
        body["strict_tools"] = True
    elif any(strict):
        losses.lose("strict", "it holds for all tools or for none")
    if choice is not None and choice.mode != "auto":
        body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = Raw(tool.schema) if tool.schema else _NO_ARGUMENTS
    return {"type": "function", "function": function}


def _format(wanted: Format | None) -> dict[str, Any] | None:
    if wanted is None or wanted.kind == "text":
        return None
    if wanted.kind == "schema" and wanted.schema:
        return {"type": "json_object", "json_schema": Raw(wanted.schema)}
    return {"type": "json_object"}


def _thinking(thinking: Thinking | None) -> dict[str, Any] | None:
    if thinking is None or (thinking.budget is None and not thinking.effort):
        return None
    budget = thinking.budget if thinking.budget is not None else _BUDGETS.get(thinking.effort)
    if budget == 0 or thinking.effort == "none":
        return {"type": "disabled"}
    return {"type": "enabled", "token_budget": budget} if budget and budget > 0 else {"type": "enabled"}
