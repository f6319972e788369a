"""What the gate answers by itself is made with, and the form of such answers."""

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.hub import Hub
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.sessions import ClientSessions
from triplegate.wire.jsonrpc import write_result
from triplegate.wire.mcp_bridge import SERVER_KEY

TTL = 60.0
"""Seconds for which what never changes may be kept."""
DEGRADED = "triplegate.dev/unavailable"
"""The member of `_meta` that names servers whose part is stale or missing."""


class Own:
    """What the methods need that no server answers."""

    __slots__ = ("access", "catalog", "clock", "hub", "sessions")

    def __init__(self, access: Access, sessions: ClientSessions, catalog: Catalog, clock: Clock, hub: Hub) -> None:
        self.access, self.sessions, self.catalog, self.clock, self.hub = access, sessions, catalog, clock, hub


def complete(ttl: float, failing: list[str] | None = None) -> dict[str, object]:
    """What every modern result of ours ends with; private: what is seen depends on who asks."""
    meta: dict[str, object] = {SERVER_KEY: msgspec.Raw(US)}
    if failing:
        meta[DEGRADED] = failing
    return {"resultType": "complete", "ttlMs": int(ttl * 1000), "cacheScope": "private", "_meta": meta}


def read_text(raw: msgspec.Raw | None, name: str) -> str:
    """A string of the params. Raises Refusal rpc_invalid_params."""
    try:
        return _string(raw if raw is not None else b"null")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal("rpc_invalid_params", f"params.{name} must be a string.") from error


_string = msgspec.json.Decoder(str).decode


def result_reply(call: McpCall, result: bytes, session: str = "") -> Reply:
    """The reply that carries a raw result."""
    headers = [(b"mcp-session-id", session.encode("ascii"))] if session else None
    return json_reply(write_result(call.id, result), 200, headers)


def accepted() -> Reply:
    """The reply to a notification or a response: taken, nothing to say."""
    return Reply(202, [(b"content-length", b"0"), (b"server", b"triplegate")], OneFrame(), source="local")
