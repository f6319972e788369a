"""Progressive discovery: instead of every tool, clients are shown three that find, describe and call the others."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.own import Own, result_reply
from triplegate.wire.json_members import Members, encode, read_members, set_members
from triplegate.wire.jsonrpc import Env, edit, read, read_params
from triplegate.wire.mcp_bridge import modern_result

SEARCH, DESCRIBE, CALL = "search_tools", "describe_tool", "call_tool"
MOST = 50
"""Tools found by one search."""
_USUAL = 10
_SUMMARY = 300  # characters of a description that a search shows
_LONGEST_QUERY = 1000

_READ_ONLY = {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False}
DEFINITIONS = {
    str(definition["name"]): encode(definition)
    for definition in (
        {
            "name": CALL,
            "description": f"Call a tool by its name; {SEARCH} finds names, {DESCRIBE} says which arguments it takes.",
            "inputSchema": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
                "required": ["name"],
            },
        },
        {
            "name": DESCRIBE,
            "description": "The whole definition of a tool: what it does, and the schema of its arguments.",
            "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "annotations": _READ_ONLY,
        },
        {
            "name": SEARCH,
            "description": "Find tools by words of what they do. Best first: names and the beginnings of descriptions.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "maxLength": _LONGEST_QUERY},
                    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": _USUAL},
                },
                "required": ["query"],
            },
            "annotations": _READ_ONLY,
        },
    )
}
"""The three, as the list shows them."""


class _Query(msgspec.Struct):
    query: str
    limit: int = _USUAL


class _Name(msgspec.Struct):
    name: str


class _Call(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class _Described(msgspec.Struct):
    description: str | None = None


_string = msgspec.json.Decoder(str).decode
_described = msgspec.json.Decoder(_Described).decode


def unwrap(env: Env, params: Members) -> tuple[Env, Members, str]:
    """A call of one of the three: the call that is meant, and through which of them. Any other stays as it is.

    What is called through `call_tool` is from here on the call of that tool: every check sees the same.
    """
    through = _which(params)
    if through != CALL:
        return env, params, through
    raw = bytes(params.get("arguments", b"{}"))
    try:
        asked = msgspec.json.decode(raw, type=_Call)
        read_members(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal("rpc_invalid_params", f"{CALL} takes the name of a tool, and arguments.") from error
    except Refusal as refusal:
        raise Refusal("rpc_invalid_params", refusal.detail) from refusal
    meant = read(edit(env, params={"name": encode(asked.name), "arguments": bytes(asked.arguments)}))
    return meant, read_params(meant), through


def _which(params: Members) -> str:
    try:
        name = _string(params.get("name", b"null"))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return name if name in (SEARCH, DESCRIBE, CALL) else ""


async def search(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """The tools that fit best, of those that the caller may use."""
    view = call.view
    assert view is not None
    try:
        asked = msgspec.json.decode(bytes(call.params.get("arguments", b"{}")), type=_Query)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _told(call, f"{SEARCH} takes a query, and a limit: {error}.", failed=True)
    table = await view.all("tool", view.servers)
    index = await view.index()
    found = [table[name] for name in index.search(asked.query[:_LONGEST_QUERY]) if name in table]
    shown = [{"name": item.name, "description": _summary(item)} for item in found[: max(1, min(asked.limit, MOST))]]
    return _told(call, encode({"tools": shown, "found": len(found)}))


async def describe(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """One tool's definition, as the list would show it."""
    view = call.view
    assert view is not None
    try:
        name = msgspec.json.decode(bytes(call.params.get("arguments", b"{}")), type=_Name).name
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _told(call, f"{DESCRIBE} takes the name of a tool.", failed=True)
    item = await view.find("tool", name)
    if item is None:
        return _told(call, f"Unknown tool: {name[:128]}", failed=True)
    return _told(call, item.definition)


def _summary(item: Item) -> str:
    try:
        text = _described(item.definition).description or ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return text if len(text) <= _SUMMARY else text[: _SUMMARY - 1] + "…"


def _told(call: McpCall, said: str | bytes, *, failed: bool = False) -> Reply:
    """A tool's result: text, and the same as structured content where it is JSON."""
    text = said if isinstance(said, str) else said.decode()
    result = encode({"content": [{"type": "text", "text": text}], "isError": failed})
    if isinstance(said, bytes):
        result = set_members(result, read_members(result), {"structuredContent": said})
    return result_reply(call, modern_result(result, US) if call.era == "modern" else result)
