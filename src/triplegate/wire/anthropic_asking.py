"""A neutral request as the body of Anthropic messages."""

import re
from typing import Any

import msgspec

from triplegate.wire.anthropic_turns import FAMILY, Turns, cache_control
from triplegate.wire.codec import Losable, Losses, LossName, thinking_name
from triplegate.wire.neutral import NativeTool, Raw, Reasoning, Request, Text, Thinking, Tool, ToolUse

_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, Raw]).decode

DEFAULT_MOST = 4096
"""Output tokens where the client sets no bound: the dialect wants one."""
LOSSES: tuple[Losable, ...] = (
    "arguments",
    "audio",
    "file",
    "frequency_penalty",
    "grammar",
    "logprobs",
    "metadata",
    "n",
    "name",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "role",
    "seed",
    "service_tier",
    "stop",
    "temperature",
    "thinking",
    "top_k",
    "top_p",
    "verbosity",
    "video",
    "content.*",
    "tools.*",
)
"""What is left out, always or where the dialect has no word for all it can say."""
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
"""Tokens of thinking for OpenAI's efforts, for models that take budgets only."""
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_OFF = {"type": "disabled"}
_GENERATION = re.compile(r"claude-(?:opus|sonnet|haiku|[a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?![0-9])")


def path(model: str, stream: bool) -> str:
    """Below the base URL."""
    return "messages"


def write_request(request: Request, model: str, losses: Losses) -> bytes:
    """The body; messages stand last, so that a longer conversation begins with the bytes of the shorter one."""
    own = dict(request.rest) if request.dialect == FAMILY else {}
    turns = Turns(losses, own=request.dialect == FAMILY)
    for message in request.messages:
        turns.add(message)
    messages = turns.done()
    _lose(request, losses)
    thinking = _thinking(request, model, losses)
    body: dict[str, Any] = {"model": model, "max_tokens": _most(request, thinking)}
    more = {name: _members(own.pop(name)) for name in ("metadata", "output_config") if name in own}
    body |= own
    body |= _sampling(request, thinking.get("thinking", _OFF) != _OFF, losses)
    body |= thinking
    more["output_config"] = more.get("output_config", {}) | body.pop("output_config", {}) | _format(request, losses)
    for name, members in more.items():
        if members:
            body[name] = members | body.get(name, {})
    if request.cache:
        body["cache_control"] = cache_control(request.cache)
    if tools := _tools(request, losses):
        body["tools"] = tools
        if choice := _tool_choice(request):
            body["tool_choice"] = choice
    if request.stream:
        body["stream"] = True
    if turns.system:
        body["system"] = turns.system
    body["messages"] = [{"role": role, "content": blocks} for role, blocks in messages]
    return _encode(body)


def _most(request: Request, thinking: dict[str, Any]) -> int:
    """The client's bound; a budget of thinking must stay below it."""
    budget: int = thinking.get("thinking", {}).get("budget_tokens", 0)
    most = request.max_tokens or DEFAULT_MOST
    return most if most > budget else budget + most


def _lose(request: Request, losses: Losses) -> None:
    said: dict[LossName, bool] = {
        "n": request.n > 1,
        "logprobs": request.logprobs,
        "seed": request.seed is not None,
        "frequency_penalty": bool(request.frequency_penalty),
        "presence_penalty": bool(request.presence_penalty),
        "metadata": bool(request.metadata),
        "verbosity": request.verbosity not in ("", "medium"),
        "prompt_cache_key": bool(request.cache_key),
        "previous_response_id": bool(request.previous),
        "service_tier": request.service_tier not in ("", "auto", "default", "standard_only"),
    }
    losses.lose_some(said)
    if request.dialect != FAMILY:
        losses.lose_members(request.rest)


def _sampling(request: Request, thinks: bool, losses: Losses) -> dict[str, Any]:
    temperature, top_k = request.temperature, request.top_k
    if thinks and ((temperature not in (None, 1.0)) or top_k is not None):
        losses.lose("temperature" if top_k is None else "top_k", "it cannot be set while the model thinks")
        temperature = top_k = None
    if temperature is not None and temperature > 1.0:
        losses.lose("temperature", "it is at most 1 there")
        temperature = 1.0
    top_p = request.top_p
    if thinks and top_p is not None and top_p < 0.95:
        losses.lose("top_p", "it is at least 0.95 while the model thinks")
        top_p = None
    stop = [one for one in request.stop if one.strip()]
    if len(stop) < len(request.stop):
        losses.lose("stop", "white space alone stops nothing there")
    said = {
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "stop_sequences": stop or None,
        "service_tier": {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}.get(
            request.service_tier
        ),
        "metadata": {"user_id": request.user} if request.user else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _format(request: Request, losses: Losses) -> dict[str, Any]:
    wanted = request.format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind == "json" or not wanted.schema:
        losses.lose("response_format", "there is JSON with a schema only")
        return {}
    return {"format": {"type": "json_schema", "schema": Raw(wanted.schema)}}


def _tools(request: Request, losses: Losses) -> list[Any]:
    tools: list[Any] = []
    for tool in request.tools:
        if isinstance(tool, NativeTool):
            if tool.provider == FAMILY:
                tools.append(Raw(tool.raw))
            else:
                losses.lose_tool(tool.kind)
            continue
        tools.append(_tool(tool))
    return tools


def _tool(tool: Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["input_schema"] = Raw(tool.schema) if tool.schema else {"type": "object", "properties": {}}
    if tool.strict:
        written["strict"] = True
    if tool.cache:
        written["cache_control"] = cache_control(tool.cache)
    return written


def _tool_choice(request: Request) -> dict[str, Any]:
    choice = request.tool_choice
    if choice is None and request.parallel_tools is not False:
        return {}
    written: dict[str, Any] = {"type": _CHOICES[choice.mode] if choice is not None else "auto"}
    if choice is not None and choice.mode == "named":
        written["name"] = choice.name
    if request.parallel_tools is False and written["type"] != "none":
        written["disable_parallel_tool_use"] = True
    return written


def _thinking(request: Request, model: str, losses: Losses) -> dict[str, Any]:
    """How the model thinks; off where the conversation or the tool choice forbids it."""
    said = request.thinking
    if said is None or (said.budget is None and not said.effort):
        return {}
    if request.dialect == FAMILY and said.budget is None:
        return {"output_config": {"effort": said.effort}}
    if said.budget == 0 or (said.effort == "none" and not said.budget):
        return {"thinking": _OFF} if request.dialect == FAMILY else {}
    forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "named")
    if forced or _unsigned(request):
        why = "a tool is forced" if forced else "the last tool call came without signed thoughts"
        losses.lose(thinking_name(request.dialect), why)
        return {}
    written: dict[str, Any] = {}
    if _adaptive(model):
        if said.effort:
            written["output_config"] = {"effort": _EFFORTS.get(said.effort, "high")}
        written["thinking"] = {"type": "adaptive"}
    else:
        written["thinking"] = {"type": "enabled", "budget_tokens": _budget(said)}
    if said.visible is False:
        written["thinking"]["display"] = "omitted"
    return written


def _budget(said: Thinking) -> int:
    if said.budget is not None and said.budget > 0:
        return max(1024, said.budget)
    return _BUDGETS.get(said.effort, _BUDGETS["medium"])


def _adaptive(model: str) -> bool:
    """Models from Claude 4.6 on decide themselves how much to think."""
    found = _GENERATION.search(model)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (4, 6)


def _unsigned(request: Request) -> bool:
    """Whether the turn that called the tools whose results come last lacks thoughts that Anthropic signed."""
    for message in reversed(request.messages):
        if message.role == "tool" or (message.role == "user" and not _speaks(message.parts)):
            continue
        if message.role != "assistant":
            return False
        calls = any(isinstance(part, ToolUse) for part in message.parts)
        signed = any(
            opaque.provider == FAMILY for part in message.parts if isinstance(part, Reasoning) for opaque in part.opaque
        )
        return calls and not signed
    return False


def _speaks(parts: tuple[Any, ...]) -> bool:
    return any(isinstance(part, Text) for part in parts)
