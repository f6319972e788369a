"""What spans of MCP calls say, in the words of OpenTelemetry's conventions for MCP."""

from triplegate.control.telemetry.genai import Value
from triplegate.core.errors import CODES
from triplegate.core.exchange import Exchange
from triplegate.core.record import Record
from triplegate.gates.mcp.call import McpCall
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
    if exchange.refusal is not None:
        found["rpc.response.status_code"] = str(CODES[exchange.refusal.code].jsonrpc)
    return found


def failed_inside(record: Record) -> str:
    """What an answer says went wrong although it came: tool_error (`isError`) or rpc_error; empty when nothing."""
    for attempt in record.attempts:
        if attempt.adopted:
            return attempt.error_class
    return ""
