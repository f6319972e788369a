"""How a client begins: server/discover, initialize, ping; and what the gate says that it can do."""

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.own import TTL, Own, complete, read_text, result_reply
from triplegate.gates.mcp.server import Server
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_era import LEGACY, MODERN, negotiate


async def discover(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """What there is for a client of the modern era."""
    told = {"supportedVersions": [MODERN, *LEGACY], "capabilities": await _capabilities(own, call)}
    return result_reply(call, encode(told | _instructions(call) | complete(TTL)))


async def initialize(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """A session for a client of the legacy era."""
    principal, view = exchange.principal, call.view
    assert principal is not None
    assert view is not None
    version = negotiate(read_text(call.params.get("protocolVersion"), "protocolVersion"))
    client = bytes(call.params.get("clientInfo", b""))
    capabilities = await _capabilities(own, call)
    can = bytes(call.params.get("capabilities", b"{}"))
    session = await own.sessions.open(principal, view.virtual, version, client, can if can[:1] == b"{" else b"{}")
    result = {"protocolVersion": version, "capabilities": capabilities, "serverInfo": msgspec.Raw(US)}
    return result_reply(call, encode(result | _instructions(call)), session)


async def ping(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """We are here."""
    return result_reply(call, b"{}")


def _instructions(call: McpCall) -> dict[str, object]:
    view = call.view
    assert view is not None
    return {"instructions": view.instructions} if view.instructions else {}


async def _capabilities(own: Own, call: McpCall) -> dict[str, object]:
    """What the servers of this view can do together. One that cannot be asked now may be able to do anything."""
    view = call.view
    assert view is not None
    await own.catalog.meet(view.servers)
    return {"tools": {"listChanged": True}} | {
        capability: told
        for capability, told in _OFFERED.items()
        if any(_may_offer(server, capability) for server in view.servers)
    }


_OFFERED: dict[str, object] = {
    "prompts": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "completions": {},
    "logging": {},
}


def _may_offer(server: Server, capability: str) -> bool:
    return server.state.era is None or server.state.offers(capability)
