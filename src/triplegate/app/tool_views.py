"""What one worker knows of MCP servers, their tools and the calls under way, as pages show it."""

from collections.abc import Iterable

import msgspec

from triplegate.control.tools.house import CallView, ServerView, SessionView, ToolView
from triplegate.core.exchange import Exchange
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.gate import McpGate
from triplegate.gates.mcp.server import Server
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.gates.mcp.sessions import TTL
from triplegate.gateway import Snapshot
from triplegate.wire.hidden import visible

MOST = 500
"""Tools that a page shows."""
_LONGEST = 300


class _Hints(msgspec.Struct):
    readOnlyHint: bool | None = None  # noqa: N815 - as on the wire
    destructiveHint: bool | None = None  # noqa: N815 - as on the wire
    idempotentHint: bool | None = None  # noqa: N815 - as on the wire
    openWorldHint: bool | None = None  # noqa: N815 - as on the wire


class _Said(msgspec.Struct):
    description: str = ""
    annotations: _Hints | None = None


_said = msgspec.json.Decoder(_Said).decode
_WORDS = {
    "readOnlyHint": "read only",
    "destructiveHint": "destructive",
    "idempotentHint": "idempotent",
    "openWorldHint": "open world",
}


def gate_of(snapshot: Snapshot | None) -> McpGate | None:
    """The mcp gate that serves now."""
    gate = None if snapshot is None else snapshot.gates["mcp"]
    return gate if isinstance(gate, McpGate) else None


def server_views(snapshot: Snapshot | None) -> list[ServerView]:
    """The servers of a snapshot, in the order of their names."""
    gate = gate_of(snapshot)
    if gate is None or snapshot is None:
        return []
    documents = snapshot.documents
    return [
        _server(server, (documents.servers[name].pins or documents.mcp.pins).mode)
        for name, server in sorted(gate.servers.items())
    ]


def _server(server: Server, pins: str) -> ServerView:
    state, listings = server.state, server.state.listings
    verdict, known = server.verdict, server.health.known
    tools, prompts, resources = [len(listings[kind].items) for kind in ("tool", "prompt", "resource")]
    return ServerView(
        name=server.name,
        alias=server.alias,
        place=server.place.partition("|")[2],
        era=state.era or "",
        state=verdict.state,
        reason=verdict.reason,
        since=verdict.since,
        error=known.error,
        error_at=known.error_at,
        tools=tools,
        prompts=prompts,
        resources=resources,
        pins=pins,
        sessions=len(state.sessions),
    )


def tool_views(snapshot: Snapshot | None) -> list[ToolView]:
    """What the servers of a snapshot listed last."""
    gate = gate_of(snapshot)
    if gate is None:
        return []
    found = [
        _tool(server, own) for _, server in sorted(gate.servers.items()) for own in server.state.listings["tool"].items
    ]
    return found[:MOST]


def _tool(server: Server, own: OwnItem) -> ToolView:
    try:
        said = _said(own.definition)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = _Said("it cannot be read")
    hints = [
        words for name, words in _WORDS.items() if said.annotations is not None and getattr(said.annotations, name)
    ]
    text = visible(said.description[:_LONGEST]) + ("…" if len(said.description) > _LONGEST else "")
    standing = "off" if server.pins is None else server.pins.standing("tool", own)
    approval = "" if server.approval is None else server.approval.told(own.name)
    return ToolView(server.name, own.name, visible(own.name), text, tuple(hints), standing, approval)


def call_views(live: Iterable[Exchange], now: float) -> list[CallView]:
    """Calls of the mcp gate under way, the oldest first."""
    found = []
    for exchange in live:
        principal = exchange.principal
        if exchange.gate.name == "mcp" and principal is not None:
            who = (principal.org, principal.team, principal.consumer)
            method = getattr(exchange.call, "method", "") or exchange.inbound.method
            found.append(CallView(exchange.id, visible(method[:64]), exchange.tool, *who, now - exchange.started))
    return sorted(found, key=lambda one: -one.seconds)


def session_views(logs: Iterable[SessionLog], base: str, now: float) -> list[SessionView]:
    """Sessions that may still be open, the last used first."""
    found = []
    for log in logs:
        for one in log.living(now - TTL):
            path = f"{base}/{one.virtual}" if one.virtual else base
            told = (one.name, one.org, one.team, one.consumer, visible(one.client), one.version, path)
            found.append(SessionView(*told, one.opened, one.used, one.uses))
    return found
