"""A neutral request as the body of Bedrock's Converse."""

import re
from typing import Any
from urllib.parse import quote

import msgspec

from triplegate.wire import bedrock_thinking
from triplegate.wire.bedrock_messages import Turns, cache_point, vendor
from triplegate.wire.codec import Losable, Losses, LossName
from triplegate.wire.neutral import Format, NativeTool, Raw, Request, Tool, ToolChoice

_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

LOSSES: tuple[Losable, ...] = (
    "arguments",
    "audio",
    "cache_control",
    "detail",
    "file_id",
    "frequency_penalty",
    "grammar",
    "logprobs",
    "metadata",
    "n",
    "name",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "temperature",
    "thinking",
    "tool_choice",
    "top_k",
    "top_p",
    "url",
    "user",
    "verbosity",
    "content.*",
    "tools.*",
)
"""What is left out, always or where the dialect has no word for all it can say."""

_EXTRA = "additionalModelRequestFields"
_NO_ARGUMENTS = Raw(b'{"type":"object","properties":{}}')
_TIERS = ("flex", "priority", "reserved")
_TOLD = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_MOST_TOLD = 16


def path(model: str, stream: bool) -> str:
    """Below the base URL; ids may be ARNs, whose colons and slashes are the id's own."""
    return f"model/{quote(model, safe='')}/{'converse-stream' if stream else 'converse'}"


def write_request(request: Request, model: str, losses: Losses) -> bytes:
    """The body; messages stand last, so that a longer conversation begins with the bytes of the shorter one."""
    turns = Turns(model, losses)
    for message in request.messages:
        turns.add(message)
    _lose(request, losses)
    messages = turns.done(request.cache)
    body: dict[str, Any] = dict(request.rest) if request.dialect == "bedrock" else {}
    if turns.system:
        body["system"] = turns.system
    if tools := _tools(request, model, turns, losses):
        body["toolConfig"] = tools
    extra = bedrock_thinking.fields(request, vendor(model), model, turns.thoughtless, losses)
    if config := _config(request, model, extra, losses):
        body["inferenceConfig"] = config
    output = _format(request.format, losses)
    if effort := extra.pop(bedrock_thinking.EFFORT, ""):
        output["effort"] = effort
    if output:
        body["outputConfig"] = output
    if extra:
        given = body.get(_EXTRA)
        body[_EXTRA] = (_members(given) if given is not None else {}) | extra
    if request.service_tier in _TIERS:
        body["serviceTier"] = {"type": request.service_tier}
    if request.metadata and _tellable(request.metadata):
        body["requestMetadata"] = request.metadata
    body["messages"] = messages
    return _encode(body)


def _lose(request: Request, losses: Losses) -> None:
    said: dict[LossName, bool] = {
        "n": request.n > 1,
        "seed": request.seed is not None,
        "frequency_penalty": bool(request.frequency_penalty),
        "presence_penalty": bool(request.presence_penalty),
        "logprobs": request.logprobs,
        "parallel_tool_calls": request.parallel_tools is False and bool(request.tools),
        "user": bool(request.user),
        "metadata": bool(request.metadata) and not _tellable(request.metadata),
        "verbosity": request.verbosity not in ("", "medium"),
        "prompt_cache_key": bool(request.cache_key),
        "previous_response_id": bool(request.previous),
        "service_tier": request.service_tier not in ("", "auto", "default", "standard", *_TIERS),
    }
    losses.lose_some(said)
    if request.dialect != "bedrock":
        losses.lose_members(request.rest)


def _tellable(metadata: dict[str, str]) -> bool:
    told = [*metadata, *metadata.values()]
    return len(metadata) <= _MOST_TOLD and all(_TOLD.fullmatch(text) for text in told) and "" not in metadata


def _tools(request: Request, model: str, turns: Turns, losses: Losses) -> dict[str, Any]:
    """Bedrock refuses calls in the conversation without tools, so those that were used are named in any case."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "none" and not turns.used:
        return {}
    tools: list[Any] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            tools.append({"toolSpec": _tool(tool)})
            if tool.cache and vendor(model) in ("anthropic", ""):
                tools.append(cache_point(tool.cache))
            elif tool.cache:
                losses.lose("cache_control")
        else:
            _native(tool, tools, losses)
    if not tools:
        tools = [{"toolSpec": _tool(Tool(name))} for name in turns.used]
    if not tools:
        return {}
    config: dict[str, Any] = {"tools": tools}
    if wanted := _tool_choice(choice, losses):
        config["toolChoice"] = wanted
    return config


def _native(tool: NativeTool, tools: list[Any], losses: Losses) -> None:
    if tool.provider == "bedrock":
        tools.append(Raw(tool.raw))
    else:
        losses.lose_tool(tool.kind)


def _tool(tool: Tool) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": Raw(tool.schema) if tool.schema else _NO_ARGUMENTS}
    if tool.strict:
        spec["strict"] = True
    return spec


def _tool_choice(choice: ToolChoice | None, losses: Losses) -> dict[str, Any]:
    """Auto is what is meant when nothing is said, and not every model knows the word."""
    if choice is None or choice.mode == "auto":
        return {}
    if choice.mode == "none":
        losses.lose("tool_choice", "the conversation holds calls, so the tools must be named")
        return {}
    return {"any": {}} if choice.mode == "required" else {"tool": {"name": choice.name}}


def _config(request: Request, model: str, extra: dict[str, Any], losses: Losses) -> dict[str, Any]:
    """Claude that thinks takes no temperature and no top_k; nobody's is above 1 there."""
    thinks = "thinking" in extra
    temperature, top_p, stop = request.temperature, request.top_p, request.stop
    if thinks and temperature not in (None, 1):
        losses.lose("temperature", "the model thinks")
        temperature = None
    if temperature is not None and temperature > 1:
        losses.lose("temperature", "it is at most 1 there")
        temperature = 1.0
    if vendor(model) == "anthropic" and not all(one.strip() for one in stop):
        losses.lose("stop", "white space alone stops nothing there")
        stop = tuple(one for one in stop if one.strip())
    if thinks and top_p is not None and top_p < 0.95:
        losses.lose("top_p", "the model thinks")
        top_p = None
    if request.top_k is not None:
        _top_k(request.top_k, model, extra, losses)
    said = {
        "maxTokens": request.max_tokens,
        "temperature": temperature,
        "topP": top_p,
        "stopSequences": stop or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _top_k(top_k: int, model: str, extra: dict[str, Any], losses: Losses) -> None:
    maker = vendor(model)
    if maker == "anthropic" and "thinking" not in extra:
        extra["top_k"] = top_k
    elif maker == "amazon":
        extra["inferenceConfig"] = {"topK": top_k}
    else:
        losses.lose("top_k")


def _format(wanted: Format | None, losses: Losses) -> dict[str, Any]:
    """The schema is told as a text."""
    if wanted is None or wanted.kind == "text":
        return {}
    if not wanted.schema:
        losses.lose("response_format", "the provider takes JSON with a schema only")
        return {}
    schema = {"schema": bytes(wanted.schema).decode()}
    if wanted.name:
        schema["name"] = wanted.name
    if wanted.description:
        schema["description"] = wanted.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
