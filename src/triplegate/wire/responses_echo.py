"""The response object of a Responses answer: what was asked, told again, and what came of it."""

from typing import Any

from triplegate.core.usage import Usage
from triplegate.wire.codec import Losses, Shape
from triplegate.wire.neutral import Citation, Raw, Request, Text
from triplegate.wire.neutral_events import Finish, Start
from triplegate.wire.responses_items import FAMILY
from triplegate.wire.responses_usage import write_usage
from triplegate.wire.responses_writing import write_choice, write_format, write_tools

_KEPT = ("max_tool_calls", "truncation", "background", "safety_identifier", "prompt")
"""What is told again as it was asked; `store` is not: nobody keeps an answer that was translated."""
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def reply_id(start: Start, shape: Shape) -> str:
    """The provider's id, or ours; clients know responses by their beginning."""
    said = start.id or shape.id
    return said if said.startswith("resp_") else f"resp_{said}"


def opening(start: Start, shape: Shape) -> dict[str, Any]:
    """The response before anything was said."""
    request = shape.request or Request(FAMILY, shape.model)
    said: dict[str, Any] = {
        "id": reply_id(start, shape),
        "object": "response",
        "created_at": start.created or shape.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": _instructions(request),
        "max_output_tokens": request.max_tokens,
        "max_tool_calls": None,
        "model": shape.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tools is not False,
        "previous_response_id": request.previous or None,
        "prompt_cache_key": request.cache_key or None,
        "reasoning": _reasoning(request),
        "safety_identifier": None,
        "service_tier": start.service_tier or request.service_tier or "default",
        "store": False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": _wording(request),
        "tool_choice": write_choice(request.tool_choice, request.tools) if request.tool_choice is not None else "auto",
        "tools": write_tools(request, Losses()),
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": request.user or None,
        "metadata": request.metadata,
    }
    for name in _KEPT:
        if name in request.rest:
            said[name] = request.rest[name]
    if "tool_choice" in request.rest:
        said["tool_choice"] = request.rest["tool_choice"]
    return said


def _instructions(request: Request) -> str | None:
    first = request.messages[0] if request.messages else None
    if first is None or first.id != "instructions":
        return None
    return "".join(part.text for part in first.parts if isinstance(part, Text))


def _reasoning(request: Request) -> dict[str, Any]:
    thinking = request.thinking
    if thinking is None:
        return {"effort": None, "summary": None}
    return {"effort": thinking.effort or None, "summary": thinking.summary or None}


def _wording(request: Request) -> dict[str, Any]:
    form = {"type": "text"} if request.format is None else write_format(request.format)
    return {"format": form, "verbosity": request.verbosity or "medium"}


def closing(said: dict[str, Any], output: list[Any], finish: Finish, usage: Usage | None) -> str:
    """Make `said` the response at its end; its status."""
    why = _INCOMPLETE.get(finish.reason)
    said["status"] = "incomplete" if why else "completed"
    said["incomplete_details"] = {"reason": why} if why else None
    said["output"] = output
    said["usage"] = write_usage(usage) if usage is not None else None
    return str(said["status"])


def annotation(citation: Citation) -> Any:
    """A citation as the dialect's `url_citation`, or as it came from the family itself."""
    if citation.provider == FAMILY and citation.raw:
        return Raw(citation.raw)
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start,
        "end_index": citation.end,
    }
