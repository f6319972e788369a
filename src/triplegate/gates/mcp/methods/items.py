"""How a message names its item: tools/call, prompts/get, resources/read, completion/complete."""

from collections.abc import Awaitable

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.call import Item
from triplegate.gates.mcp.kinds import Kind
from triplegate.gates.mcp.own import read_text
from triplegate.gates.mcp.views import View
from triplegate.wire.json_members import Members, read_members


def tool(view: View, params: Members) -> Awaitable[Item]:
    """Of tools/call."""
    return _named(view, "tool", params)


def known_tool(view: View, params: Members) -> Item | None:
    """Of tools/call, where the view's table has it; None where it takes a longer look, or a refusal."""
    name = params.get("name")
    if name is None or bytes(params.get("arguments", b"{"))[:1] != b"{":
        return None
    return view.spoken(name)


def prompt(view: View, params: Members) -> Awaitable[Item]:
    """Of prompts/get."""
    return _named(view, "prompt", params)


async def resource(view: View, params: Members) -> Item:
    """Of resources/read."""
    uri = read_text(params.get("uri"), "uri")
    return await _found(view, "resource", uri)


async def reference(view: View, params: Members) -> Item:
    """Of completion/complete: a prompt, a template of resources, or a resource."""
    raw = bytes(params.get("ref", b""))
    if raw[:1] != b"{":
        raise Refusal("rpc_invalid_params", "params.ref must be an object.")
    try:
        ref = read_members(raw)
    except Refusal as refusal:
        raise Refusal("rpc_invalid_params", refusal.detail) from refusal
    kind = read_text(ref.get("type"), "ref.type")
    if kind == "ref/prompt":
        return await _found(view, "prompt", read_text(ref.get("name"), "ref.name"))
    if kind == "ref/resource":
        uri = read_text(ref.get("uri"), "ref.uri")
        return await view.find("template", uri) or await _found(view, "resource", uri)
    raise Refusal("rpc_invalid_params", "params.ref.type must be ref/prompt or ref/resource.")


async def _named(view: View, kind: Kind, params: Members) -> Item:
    name = read_text(params.get("name"), "name")
    item = view.table(kind).get(name) or await _found(view, kind, name)
    arguments = bytes(params.get("arguments", b""))
    if arguments and arguments[:1] != b"{":
        raise Refusal("rpc_invalid_params", "params.arguments must be an object.")
    return item


async def _found(view: View, kind: Kind, name: str) -> Item:
    item = await view.find(kind, name)
    if item is None:
        raise not_found(kind, name)
    return item


def not_found(kind: Kind, name: str) -> Refusal:
    """The refusal of an item that is unknown, or, just the same, not allowed."""
    if kind == "resource":
        return Refusal("resource_not_found", "Resource not found", payload={"uri": name})
    return Refusal("tool_not_found" if kind == "tool" else "rpc_invalid_params", f"Unknown {kind}: {name[:128]}")
