"""Every text of a call: what is said, what tools are given and what they answered, each changed or left as it is."""

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

import msgspec

from triplegate.wire.neutral import (
    Citation,
    Media,
    Message,
    Native,
    NativeTool,
    Part,
    Reasoning,
    Refused,
    Request,
    Text,
    Tool,
    ToolResult,
    ToolUse,
)
from triplegate.wire.screening.members import Change, changed

_replace = msgspec.structs.replace
Together = Callable[[list[str]], list[str]]
"""Texts that are told one after the other → what stands in their places, as many. May raise."""


def screened(
    request: Request, said: Change | None, answered: Change | None, together: Together | None = None
) -> Request:
    """The call with `said` at what people and models say, `answered` at what tools answered; itself if nothing changes.

    `together` is asked instead about texts that follow each other in a message or result. Pictures, sound and files are
    not looked into.
    """
    messages = tuple([_message(message, said, answered, together) for message in request.messages])
    new = request if _same(messages, request.messages) else _replace(request, messages=messages)
    return new if said is None else _around(new, said)


def _around(request: Request, said: Change) -> Request:
    """What stands beside the messages."""
    changes: dict[str, Any] = {}
    tools = tuple([_tool(tool, said) for tool in request.tools])
    if not _same(tools, request.tools):
        changes["tools"] = tools
    metadata = {name: said(value) for name, value in request.metadata.items()}
    if metadata != request.metadata:
        changes["metadata"] = metadata
    rest = {name: json_changed(bytes(raw), said) for name, raw in request.rest.items()}
    if any(bytes(request.rest[name]) != raw for name, raw in rest.items()):
        changes["rest"] = {name: msgspec.Raw(raw) for name, raw in rest.items()}
    return _replace(request, **changes) if changes else request


def _tool(tool: Tool | NativeTool, said: Change) -> Tool | NativeTool:
    if isinstance(tool, Tool):
        description = said(tool.description) if tool.description else ""
        return tool if description == tool.description else _replace(tool, description=description)
    return tool


def _same(ones: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return all(one is other for one, other in zip(ones, others, strict=True))


def _message(message: Message, said: Change | None, answered: Change | None, together: Together | None) -> Message:
    parts = _each(message.parts, said, together, lambda part: _part(part, said, answered, together))
    name = said(message.name) if said is not None and message.name else message.name
    if _same(parts, message.parts) and name == message.name:
        return message
    return _replace(message, parts=parts, name=name)


def _each(parts: tuple[Any, ...], change: Change | None, together: Together | None, one: Any) -> tuple[Any, ...]:
    """Every part as `one` changes it; texts that follow each other are changed together."""
    if change is None or together is None or len(parts) < 2:
        return tuple([one(part) for part in parts])
    found: list[Any] = []
    for is_text, run in groupby(parts, lambda part: isinstance(part, Text)):
        some = list(run)
        if is_text and len(some) > 1:
            new = together([part.text for part in some])
            found += [_retold(part, text, change) for part, text in zip(some, new, strict=True)]
        else:
            found += [one(part) for part in some]
    return tuple(found)


def _part(part: Part, said: Change | None, answered: Change | None, together: Together | None) -> Part:
    if isinstance(part, ToolResult):
        return part if answered is None else _result(part, answered, together)
    if isinstance(part, Native):
        change = answered if part.kind.endswith(("_result", "_output")) else said
        return part if change is None else _native(part, change)
    return part if said is None else _said(part, said)


def _said(part: Text | Media | ToolUse | Reasoning | Refused, said: Change) -> Part:
    match part:
        case Text():
            return _text(part, said)
        case ToolUse():
            arguments = said(part.arguments) if part.custom else arguments_changed(part.arguments, said)
            return part if arguments == part.arguments else _replace(part, arguments=arguments)
        case Reasoning() if part.text:
            text = said(part.text)
            return part if text == part.text else _replace(part, text=text, opaque=())
        case Refused():
            text = said(part.text)
            return part if text == part.text else Refused(text)
        case Media():
            return _media(part, said)
    return part


def _media(part: Media, said: Change) -> Media:
    name = said(part.name) if part.name else ""
    url = said(part.url) if part.url and part.url[:5].lower() != "data:" else part.url
    return part if (name, url) == (part.name, part.url) else _replace(part, name=name, url=url)


def _result(part: ToolResult, answered: Change, together: Together | None) -> ToolResult:
    parts = _each(
        part.parts,
        answered,
        together,
        lambda one: _text(one, answered) if isinstance(one, Text) else _media(one, answered),
    )
    return part if _same(parts, part.parts) else _replace(part, parts=parts)


def _text(part: Text, change: Change) -> Text:
    return _retold(part, change(part.text), change)


def _retold(part: Text, text: str, change: Change) -> Text:
    citations = tuple([cited(one, change) for one in part.citations])
    if text == part.text and _same(citations, part.citations):
        return part
    return _replace(part, text=text, citations=citations)


def _native(part: Native, change: Change) -> Native:
    raw = json_changed(part.raw, change)
    return part if raw == part.raw else _replace(part, raw=raw)


def cited(citation: Citation, change: Change) -> Citation:
    """The source with `change` at its words; the provider's own form of it only where that says nothing more."""
    raw = json_changed(citation.raw, change) if citation.raw else b""
    quote, title, url = change(citation.quote), change(citation.title), change(citation.url)
    if (raw, quote, title, url) == (citation.raw, citation.quote, citation.title, citation.url):
        return citation
    return _replace(citation, raw=raw, quote=quote, title=title, url=url)


def arguments_changed(arguments: str, change: Change) -> str:
    """The arguments of a tool; what is no JSON is text."""
    try:
        return changed(arguments, change)
    except ValueError:
        return change(arguments)


def json_changed(raw: bytes, change: Change) -> bytes:
    """JSON as a provider or client wrote it."""
    text = raw.decode("utf-8", "replace")
    new = arguments_changed(text, change)
    return raw if new == text else new.encode()


def strings_seen(text: str, change: Change) -> None:
    """`change` at every text of a body that is not read otherwise; what it returns is of no use there."""
    changed(text, partial(_kept, change))


def _kept(change: Change, piece: str) -> str:
    change(piece)
    return piece
