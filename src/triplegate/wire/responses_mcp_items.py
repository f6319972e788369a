"""Items of MCP servers in a Responses conversation: written for the client, and read as functions for the model."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from triplegate.wire.json_members import encode, read_members
from triplegate.wire.neutral import Raw
from triplegate.wire.openai_chat import wrong
from triplegate.wire.responses_mcp import LONGEST

_NULL = Raw(b"null")
_OURS = frozenset({"mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response"})
UNSAID = "The result is not in this conversation."
_DECLINED = "The user declined this call."
_OPEN = "The user has not approved this call."


class Item(msgspec.Struct):
    """What is read of such an item."""

    type: str = "message"
    id: str | None = None
    server_label: str = ""
    name: str = ""
    arguments: str | None = None
    output: str | None = None
    error: Raw = _NULL
    approval_request_id: str | None = None
    status: str | None = None
    approve: bool = False
    reason: str | None = None
    tools: list[Raw] | None = None


class _Kind(msgspec.Struct, gc=False):
    type: str = "message"


_items = msgspec.json.Decoder(str | list[Raw]).decode
_kind = msgspec.json.Decoder(_Kind).decode
_item = msgspec.json.Decoder(Item).decode
Entry = Raw | Item


class Asked(msgspec.Struct, frozen=True):
    """A call that waits for a yes."""

    id: str
    """Of the request."""
    label: str
    name: str
    arguments: str
    call: str
    """The model's id of it."""


class History(msgspec.Struct, eq=False):
    """What was said until now."""

    entries: list[Entry] = []
    listed: dict[str, list[Raw]] = {}
    """Tools by label, as they were listed before."""
    asked: dict[str, Asked] = {}
    """By the id of the request."""
    answered: dict[str, Item] = {}
    """What the client said to them, where no call has followed yet."""
    at: int = 0
    """Before which entry what comes of them stands."""


def read_input(raw: Raw | None, ours: Callable[[str], bool], before: History) -> History:
    """The input behind what was kept of `before`; `ours`: whose items are of servers that are served here.

    Raises Refusal invalid_body.
    """
    entries: list[Entry] = []
    try:
        said = [] if raw is None or bytes(raw) == b"null" else _items(raw)
        if isinstance(said, str):
            entries.append(Raw(encode({"type": "message", "role": "user", "content": said})))
            said = []
        for one in said:
            entries.append(_item(one) if _kind(one).type in _OURS else one)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong("input", f"cannot be read: {error}") from error
    history = History(list(before.entries), dict(before.listed), dict(before.asked), at=len(before.entries))
    called = {one.approval_request_id for one in entries if isinstance(one, Item) and one.type == "mcp_call"}
    for place, one in enumerate(entries):
        if not isinstance(one, Item):
            history.entries.append(one)
        elif one.type != "mcp_approval_response" and not ours(one.server_label):
            history.entries.append(said[place])  # of a server elsewhere
        else:
            _take(history, one, called)
    return history


def _take(history: History, item: Item, called: set[str | None]) -> None:
    if item.type == "mcp_list_tools":
        history.listed[item.server_label] = item.tools or []
    elif item.type == "mcp_call":
        if item.status != "incomplete":  # else it was not made, or is asked about
            history.entries.append(item)
    elif item.type == "mcp_approval_request" and item.id not in called:
        identity = item.id or ""
        call = call_id(identity)
        history.asked[identity] = Asked(identity, item.server_label, item.name, item.arguments or "{}", call)
        history.entries.append(item)
        history.at = len(history.entries)
    elif item.type == "mcp_approval_response" and item.approval_request_id not in called:
        request = item.approval_request_id or ""
        if request not in history.asked:
            raise wrong("input", f"has an answer to an approval request that is not there: {request[:LONGEST]!r}")
        history.answered[request] = item


def call_id(identity: str) -> str:
    """The id of a call by the id of its item."""
    return identity if 0 < len(identity) <= LONGEST else "call_" + sha256(identity.encode()).hexdigest()[:32]


def for_model(entries: list[Entry], function: Callable[[str, str], str]) -> list[Raw]:
    """The entries as the model reads them; `function`: the name of a tool by label and name."""
    found: list[Raw] = []
    for entry in entries:
        if not isinstance(entry, Item):
            found.append(entry)
            continue
        call = call_id(entry.id or "")
        found.append(write_call(call, function(entry.server_label, entry.name), entry.arguments or "{}"))
        if entry.type == "mcp_call":
            found.append(write_output(call, _result(entry)))
    return found


def _result(item: Item) -> str:
    if item.output is not None:
        return item.output
    return UNSAID if item.error == _NULL else bytes(item.error).decode("utf-8", "replace")


class _Own(msgspec.Struct, gc=False):
    type: str = ""
    encrypted_content: str | None = None


_own = msgspec.json.Decoder(_Own).decode


def readable(items: list[Raw]) -> list[Raw]:
    """What a model said, for a provider that has not kept it: thoughts that only it could find again are left out."""
    kept = [item for item in items if not _is_lost(item)]
    if len(kept) == len(items):
        return items
    return [_without_id(item) for item in kept]  # an id would lead to what was left out


def _is_lost(item: Raw) -> bool:
    said = _own(item)
    return said.type == "reasoning" and not said.encrypted_content


def _without_id(item: Raw) -> Raw:
    members = read_members(bytes(item))
    return Raw(encode({name: value for name, value in members.items() if name != "id"}))


def refusals(history: History) -> list[Raw]:
    """What the model is told of calls that nobody said yes to."""
    found = []
    for asked in history.asked.values():
        answer = history.answered.get(asked.id)
        if answer is None:
            found.append(write_output(asked.call, _OPEN))
        elif not answer.approve:
            found.append(write_output(asked.call, f"{_DECLINED} {answer.reason}" if answer.reason else _DECLINED))
    return found


def approved(history: History) -> list[Asked]:
    """The calls that may be made now."""
    said = history.answered
    return [asked for asked in history.asked.values() if asked.id in said and said[asked.id].approve]


def write_call(call: str, function: str, arguments: str) -> Raw:
    """The model's call of a function."""
    return Raw(encode({"type": "function_call", "call_id": call, "name": function, "arguments": arguments}))


def write_output(call: str, text: str) -> Raw:
    """What the function answered."""
    return Raw(encode({"type": "function_call_output", "call_id": call, "output": text}))


def list_item(identity: str, label: str, tools: list[dict[str, Any]], error: str | None = None) -> dict[str, Any]:
    """A list of a server's tools."""
    said = {"id": identity, "type": "mcp_list_tools", "server_label": label, "tools": tools}
    return said if error is None else {**said, "error": error}


def request_item(asked: Asked) -> dict[str, Any]:
    """A question whether a call may be made."""
    said = {"id": asked.id, "type": "mcp_approval_request", "server_label": asked.label, "name": asked.name}
    return {**said, "arguments": asked.arguments}


def call_item(identity: str, label: str, name: str, request: str | None) -> dict[str, Any]:
    """A call before its end."""
    return {
        "id": identity,
        "type": "mcp_call",
        "status": "in_progress",
        "approval_request_id": request,
        "arguments": "",
        "error": None,
        "name": name,
        "output": None,
        "server_label": label,
    }
