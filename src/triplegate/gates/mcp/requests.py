"""A call as its server gets it: name, id and `_meta` are the server's, every other byte is the client's."""

from collections.abc import Mapping

from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.connecting import modern_headers
from triplegate.gates.mcp.server import UpstreamSession
from triplegate.gates.mcp.tracing import is_traced, traced_meta
from triplegate.wire.json_members import read_members, set_members
from triplegate.wire.mcp_bridge import drop_members, legacy_meta, modern_meta
from triplegate.wire.mcp_headers import NAMED_BY
from triplegate.wire.mcp_params import PREFIX, params_of

NOTHING_MORE: Mapping[str, bytes] = {}


def modern_request(
    exchange: Exchange, call: McpCall, item: Item, more: Mapping[str, bytes] = NOTHING_MORE
) -> tuple[Headers, bytes]:
    """For a modern server; `more`: members of the params that the client did not send."""
    headers = [*modern_headers(call.method), *_traced(exchange)]
    if call.method in NAMED_BY:
        headers.append((b"mcp-name", item.header_name))
    changes = addressed(call, item) | dict(more)
    if call.era == "modern" and not (call.through or call.asked):
        headers += [line for line in exchange.inbound.headers if line[0].startswith(PREFIX)]
    elif item.own.mirrors:
        headers += params_of(item.own.mirrors, bytes(call.params.get("arguments", b"")))
    if call.era == "legacy":
        changes["_meta"] = _envelope(call)
    return headers, _edited(exchange, call, changes, None)


def legacy_request(
    exchange: Exchange, call: McpCall, item: Item, session: UpstreamSession, number: int
) -> tuple[Headers, bytes]:
    """For a legacy server, within a session of ours."""
    member = NAMED_BY.get(call.method)
    if call.era == "legacy" and member is not None and not is_traced(exchange):
        return [*session.headers, *_traced(exchange)], _renamed(call, member, item.raw_name, number)
    changes = addressed(call, item)
    dropped = False
    if call.era == "modern":
        meta = legacy_meta(call.meta, number)
        if meta is None:
            dropped = True
        else:
            changes["_meta"] = meta
    body = _edited(exchange, call, changes, b"%d" % number, drop_meta=dropped)
    return [*session.headers, *_traced(exchange)], body


def _renamed(call: McpCall, member: str, name: bytes, number: int) -> bytes:
    """The client's bytes with another name and number: all that changes between two sessions."""
    env = call.env
    assert env is not None
    changes = {"id": b"%d" % number}
    if bytes(call.params[member]) != name:
        changes["params"] = set_members(bytes(env.params), call.params, {member: name})
    return set_members(env.text, env.members, changes)


def addressed(call: McpCall, item: Item) -> dict[str, bytes]:
    """The member of the params that names the item, with its name at its server."""
    member = NAMED_BY.get(call.method)
    if member is not None:
        return {member: item.raw_name}
    named = "name" if item.kind == "prompt" else "uri"
    raw = bytes(call.params["ref"])
    return {"ref": set_members(raw, read_members(raw), {named: item.raw_name})}


def _envelope(call: McpCall) -> bytes:
    """The `_meta` of a call made in a session."""
    meta, client = bytes(call.params.get("_meta", b"")), call.session
    if client is None:
        return modern_meta(meta, b"")
    return modern_meta(meta, client.client, client.capabilities, client.level)


def _traced(exchange: Exchange) -> Headers:
    return [(b"x-request-id", exchange.request_id), (b"traceparent", exchange.trace)]


def _edited(
    exchange: Exchange, call: McpCall, params: dict[str, bytes], identity: bytes | None, *, drop_meta: bool = False
) -> bytes:
    """The client's bytes with these members of the params, and perhaps another id."""
    env = call.env
    assert env is not None
    said = b"" if drop_meta else params.get("_meta") or bytes(call.params.get("_meta", b""))
    if (traced := traced_meta(exchange, said)) is not None:
        params["_meta"], drop_meta = traced, False
    text = set_members(bytes(env.params), call.params, params)
    if drop_meta:
        text = drop_members(text, read_members(text), {"_meta"})
    changed = {"params": text}
    if identity is not None:
        changed["id"] = identity
    return set_members(env.text, env.members, changed)
