"""What the gate answers by itself: discover, initialize, ping, tools/list."""

import binascii
from bisect import bisect_right

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Reply
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.sessions import ClientSessions
from triplegate.wire.json_members import encode
from triplegate.wire.jsonrpc import write_result
from triplegate.wire.mcp_bridge import SERVER_KEY
from triplegate.wire.mcp_era import LEGACY, MODERN, negotiate

PAGE = 1000
"""Tools of one page."""
_TTL = 60.0
_CAPABILITIES: dict[str, object] = {"tools": {}}
_DEGRADED = "triplegate.dev/unavailable"

MODERN_METHODS = frozenset({"server/discover", "tools/list", "tools/call"})
LEGACY_METHODS = frozenset({"initialize", "ping", "tools/list", "tools/call"})


class Own:
    """Answers of our own."""

    __slots__ = ("_clock", "_sessions")

    def __init__(self, sessions: ClientSessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock

    async def answer(self, exchange: Exchange, call: McpCall) -> Reply:
        """The reply to a request that goes to no server; `reading` has made sure that the method is known."""
        if call.method == "tools/list":
            return await self._tools(call)
        if call.method == "initialize":
            return await self._initialize(exchange, call)
        if call.method == "ping":
            return _result(call, b"{}")
        told = {"supportedVersions": [MODERN, *LEGACY], "capabilities": _CAPABILITIES}
        return _result(call, encode(told | _complete(_TTL)))

    async def _initialize(self, exchange: Exchange, call: McpCall) -> Reply:
        principal, view = exchange.principal, call.view
        assert principal is not None
        assert view is not None
        version = negotiate(_text(call.params.get("protocolVersion"), "protocolVersion"))
        client = bytes(call.params.get("clientInfo", b""))
        session = await self._sessions.open(principal, view.virtual, version, client)
        result = {"protocolVersion": version, "capabilities": _CAPABILITIES, "serverInfo": msgspec.Raw(US)}
        return _result(call, encode(result), session)

    async def _tools(self, call: McpCall) -> Reply:
        view = call.view
        assert view is not None
        after = _after(call)
        table = await view.all()
        names = list(table)
        start = 0 if after is None else bisect_right(names, after)
        page = names[start : start + PAGE]
        failing = [server.name for server in view.servers if server.state.failure or not server.state.loaded]
        members = [b'"tools":[%b]' % b",".join([table[name].definition for name in page])]
        if start + PAGE < len(names):
            members.append(b'"nextCursor":"%b"' % binascii.b2a_base64(page[-1].encode("ascii"), newline=False))
        if call.era == "modern":
            now = self._clock.now()
            ttl = min([max(0.0, server.state.fresh_until - now) for server in view.servers], default=_TTL)
            members.append(encode(_complete(ttl, failing))[1:-1])
        elif failing:
            members.append(encode({"_meta": {_DEGRADED: failing}})[1:-1])
        return _result(call, b"{%b}" % b",".join(members))


def _complete(ttl: float, failing: list[str] | None = None) -> dict[str, object]:
    """What every modern result of ours ends with; private: what is seen depends on who asks."""
    meta: dict[str, object] = {SERVER_KEY: msgspec.Raw(US)}
    if failing:
        meta[_DEGRADED] = failing
    return {"resultType": "complete", "ttlMs": int(ttl * 1000), "cacheScope": "private", "_meta": meta}


def _after(call: McpCall) -> str | None:
    """The name that the asked page begins after: it need not exist any more."""
    if "cursor" not in call.params:
        return None
    try:
        return binascii.a2b_base64(_text(call.params["cursor"], "cursor"), strict_mode=True).decode("ascii")
    except ValueError as error:
        raise Refusal("rpc_invalid_params", "The cursor is not one of ours.") from error


def _text(raw: msgspec.Raw | None, name: str) -> str:
    try:
        return msgspec.json.decode(raw if raw is not None else b"null", type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal("rpc_invalid_params", f"params.{name} must be a string.") from error


def _result(call: McpCall, result: bytes, session: str = "") -> Reply:
    headers = [(b"mcp-session-id", session.encode("ascii"))] if session else None
    return json_reply(write_result(call.id, result), 200, headers)


def accepted() -> Reply:
    """The reply to a notification or a response: taken, nothing to say."""
    return Reply(202, [(b"content-length", b"0"), (b"server", b"triplegate")], OneFrame(), source="local")
