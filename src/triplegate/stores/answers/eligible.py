"""Which questions and which answers may be remembered at all; one sentence for each that may not."""

from collections.abc import Iterable

import msgspec

from triplegate.wire.neutral import Native, Request, ToolResult, ToolUse
from triplegate.wire.neutral_events import BlockStart, Delta, Event, Failed, Finish

_FALSE = b"false"


def why_not_asked(request: Request, *, tools: bool) -> str:
    """Why the answer to this question is not remembered; empty when it may be.

    `tools`: questions that offer tools, or go on from what tools answered, are remembered too.
    """
    if request.n != 1:
        return "more than one choice"
    if request.previous or _is_on(request, "background") or _keeps_state(request):
        return "the provider keeps its state"
    if any(isinstance(part, Native) for message in request.messages for part in message.parts):
        return "parts that only one provider knows"
    if tools:
        return ""
    if request.tools:
        return "tools are offered"
    used = (isinstance(part, ToolUse | ToolResult) for message in request.messages for part in message.parts)
    return "tools were called" if any(used) else ""


def _keeps_state(request: Request) -> bool:
    """Responses are kept by their provider unless the client says no; a remembered one could not be built on."""
    if request.dialect == "openai_responses":
        return bytes(request.rest.get("store", msgspec.Raw(b"null"))) != _FALSE
    return _is_on(request, "store")


def _is_on(request: Request, name: str) -> bool:
    return bytes(request.rest.get(name, msgspec.Raw(_FALSE))) == b"true"


def why_not_given(events: Iterable[Event], finishes: frozenset[str], *, tools: bool) -> str:
    """Why this answer is not remembered; empty when it may be."""
    finish, said = "", False
    for event in events:
        if isinstance(event, Finish):
            finish = event.reason
        elif isinstance(event, Failed):
            return "it failed"
        elif isinstance(event, BlockStart):
            if event.kind in ("refusal", "native"):
                return f"it holds a {event.kind} block"
            if event.kind in ("tool_call", "custom_tool_call") and not tools:
                return "it calls a tool"
            said = said or event.kind not in ("text", "reasoning", "summary")
        elif isinstance(event, Delta):
            said = said or bool(event.text)
    if not said:
        return "it says nothing"
    return "" if finish in finishes or (tools and finish == "tool_calls") else f"it ended with {finish or 'no end'}"
