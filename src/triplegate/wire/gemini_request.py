"""A neutral request as the body of Gemini's generateContent (AI Studio and Vertex)."""

from typing import Any
from urllib.parse import quote

import msgspec

from triplegate.wire.codec import Losable, Losses, LossName
from triplegate.wire.gemini_contents import Contents, generation
from triplegate.wire.neutral import Format, NativeTool, Raw, Request, Thinking, Tool, ToolChoice

_encode = msgspec.json.Encoder().encode

LOSSES: tuple[Losable, ...] = (
    "arguments",
    "cache_control",
    "detail",
    "file_id",
    "grammar",
    "metadata",
    "name",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "service_tier",
    "strict",
    "user",
    "verbosity",
    "content.*",
    "tools.*",
)
"""What is left out, always or where the dialect has no word for all it can say."""

_COLLECTIONS = ("models", "tunedModels", "endpoints")
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Google's own table for OpenAI's efforts, for models before Gemini 3; what is above high is as high."""
_LEVELS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM"}
_LEAST = 128
"""What a Pro model thinks at least; it refuses to be asked for nothing."""


def path(model: str, stream: bool) -> str:
    """Below the base URL, which names the version and, on Vertex, project, location and publisher."""
    collection, slash, name = model.partition("/")
    if not slash or collection not in _COLLECTIONS:
        collection, name = "models", model
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"{collection}/{quote(name, safe='')}:{method}"


def write_request(request: Request, model: str, losses: Losses) -> bytes:
    """The body; contents stand last, so that a longer conversation begins with the bytes of the shorter one."""
    written = Contents(model, request.dialect, losses)
    for message in request.messages:
        written.add(message)
    _lose(request, losses)
    body: dict[str, Any] = {}
    if request.dialect == "gemini":
        body |= request.rest
    system, contents = written.done()
    if system:
        body["systemInstruction"] = {"parts": system}
    if tools := _tools(request, losses):
        body["tools"] = tools
    if request.tool_choice is not None and any(isinstance(tool, Tool) for tool in request.tools):
        body["toolConfig"] = {"functionCallingConfig": _tool_choice(request.tool_choice)}
    if config := _config(request, model):
        body["generationConfig"] = config
    if request.service_tier in ("flex", "priority", "standard"):
        body["serviceTier"] = request.service_tier
    body["contents"] = contents
    return _encode(body)


def _lose(request: Request, losses: Losses) -> None:
    said: dict[LossName, bool] = {
        "parallel_tool_calls": request.parallel_tools is False and bool(request.tools),
        "user": bool(request.user),
        "metadata": bool(request.metadata),
        "verbosity": request.verbosity not in ("", "medium"),
        "cache_control": bool(request.cache),
        "prompt_cache_key": bool(request.cache_key),
        "previous_response_id": bool(request.previous),
        "service_tier": request.service_tier not in ("", "auto", "default", "flex", "priority", "standard"),
    }
    losses.lose_some(said)
    if request.dialect != "gemini":
        losses.lose_members(request.rest)


def _tools(request: Request, losses: Losses) -> list[Any]:
    functions: list[dict[str, Any]] = []
    tools: list[Any] = []
    for tool in request.tools:
        if isinstance(tool, NativeTool):
            if tool.provider == "gemini":
                tools.append(Raw(tool.raw))
            else:
                losses.lose_tool(tool.kind)
            continue
        function: dict[str, Any] = {"name": tool.name}
        if tool.description:
            function["description"] = tool.description
        if tool.schema:
            function["parametersJsonSchema"] = Raw(tool.schema)
        if tool.strict:
            losses.lose("strict")
        if tool.cache:
            losses.lose("cache_control")
        functions.append(function)
    return ([{"functionDeclarations": functions}] if functions else []) + tools


def _tool_choice(choice: ToolChoice) -> dict[str, Any]:
    config: dict[str, Any] = {"mode": _MODES[choice.mode]}
    if choice.mode == "named":
        config["allowedFunctionNames"] = [choice.name]
    return config


def _config(request: Request, model: str) -> dict[str, Any]:
    said = {
        "candidateCount": request.n if request.n > 1 else None,
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "stopSequences": request.stop or None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseLogprobs": request.logprobs or None,
        "logprobs": (request.top_logprobs or None) if request.logprobs else None,
        "thinkingConfig": _thinking(request.thinking, model, request.dialect) or None,
    }
    config: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    return config | _format(request.format)


def _format(wanted: Format | None) -> dict[str, Any]:
    if wanted is None or wanted.kind == "text":
        return {}
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if wanted.kind == "schema" and wanted.schema:
        config["responseJsonSchema"] = Raw(wanted.schema)
    return config


def _thinking(thinking: Thinking | None, model: str, dialect: str) -> dict[str, Any]:
    """Levels from Gemini 3 on, whose later models take no budgets; budgets before it."""
    if thinking is None:
        return {}
    config: dict[str, Any] = {}
    pro = "-pro" in model
    if generation(model) >= 3:
        if level := _level(thinking):
            config["thinkingLevel"] = "LOW" if pro and level == "MINIMAL" else level
    else:
        budget = thinking.budget
        if budget is None and thinking.effort:
            budget = _BUDGETS.get(thinking.effort, _BUDGETS["high"])
        if budget is not None:
            config["thinkingBudget"] = max(budget, _LEAST) if pro and budget >= 0 else budget
    if _visible(thinking, dialect):
        config["includeThoughts"] = True
    return config


def _level(thinking: Thinking) -> str:
    if thinking.effort:
        return _LEVELS.get(thinking.effort, "HIGH")
    if thinking.budget is None or thinking.budget < 0:
        return ""
    return next((_LEVELS[name] for name in ("none", "low", "medium") if thinking.budget <= _BUDGETS[name]), "HIGH")


def _visible(thinking: Thinking, dialect: str) -> bool:
    """Anthropic's thinking is in the answer unless it says otherwise; OpenAI's only when a summary is asked for."""
    if thinking.visible is not None:
        return thinking.visible
    return bool(thinking.summary) or (dialect == "anthropic" and thinking.budget != 0 and thinking.effort != "none")
