"""What spans of MCP calls say, in the words of OpenTelemetry's conventions for MCP."""

from urllib.parse import urlsplit

from triplegate.control.telemetry.genai import Value
from triplegate.core.errors import CODES
from triplegate.core.exchange import Exchange
from triplegate.core.record import Record
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.line import session_at
from triplegate.gates.mcp.session_log import session_name
from triplegate.wire.mcp_era import MODERN

_LONGEST = 256


def told_of(exchange: Exchange) -> dict[str, Value]:
    """What a call says of itself; of sampled exchanges only."""
    call: McpCall | None = exchange.call
    if call is None:
        return {}
    found: dict[str, Value] = {"network.transport": "tcp"}
    if call.env is not None and call.kind == "request":
        found["jsonrpc.request.id"] = call.id.decode("utf-8", "replace").strip('"')[:_LONGEST]
    if call.session is not None:
        found["mcp.protocol.version"] = call.session.version
        found["mcp.session.id"] = session_name(call.session.id)
    elif call.era == "modern":
        found["mcp.protocol.version"] = MODERN
    item = call.item
    if item is not None and item.kind == "tool":
        found["gen_ai.operation.name"] = "execute_tool"
    elif item is not None and item.kind == "prompt":
        found["gen_ai.prompt.name"] = item.name
    elif item is not None:
        found["mcp.resource.uri"] = item.name[:_LONGEST]
    code = _code(exchange)
    if code is not None:
        found["rpc.response.status_code"] = str(code)
    return found


def _code(exchange: Exchange) -> int | None:
    """The JSON-RPC error that the client was answered with."""
    if exchange.refusal is not None:
        return CODES[exchange.refusal.code].jsonrpc
    return next((attempt.flow for attempt in exchange.attempts if attempt.adopted), None)


def far_of(exchange: Exchange) -> dict[str, Value]:
    """What is different on the way to the server, in the spans of attempts; empty: nothing is said of it there."""
    call: McpCall | None = exchange.call
    if call is None or call.item is None:
        return {}
    server = call.item.server
    modern = server.state.era == "modern"
    session = None if modern or call.session is None else session_at(server, call.session)
    found: dict[str, Value] = {
        "network.transport": server.network,
        "mcp.protocol.version": MODERN if modern else "" if session is None else session.version,
        "mcp.session.id": "" if session is None or not session.id else session_name(session.id.decode("latin-1")),
    }
    if not modern:
        found["jsonrpc.request.id"] = ""  # a number of our own
    if server.network == "tcp":
        found |= _address(server.place.rpartition("|")[2].removeprefix("sse:"))
    return found


def _address(url: str) -> dict[str, Value]:
    parts = urlsplit(url)
    return {
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }


def failed_inside(record: Record) -> str:
    """What an answer says went wrong although it came: tool_error (`isError`) or rpc_error; empty when nothing."""
    for attempt in record.attempts:
        if attempt.adopted:
            return attempt.error_class
    return ""
