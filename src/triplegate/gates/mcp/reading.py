"""Read a message: its era, the ladder of checks before any policy, its session, and the item it names."""

from collections.abc import Awaitable

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Inbound
from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.asking import media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.controls import Controls
from triplegate.gates.mcp.ears import ALL, Ear
from triplegate.gates.mcp.methods.discovery import unwrap
from triplegate.gates.mcp.methods.items import not_found
from triplegate.gates.mcp.methods.table import METHODS, method_of
from triplegate.gates.mcp.questions import Questions
from triplegate.gates.mcp.sessions import ClientSession, ClientSessions
from triplegate.gates.mcp.views import View, Views
from triplegate.wire.json_members import Members, read_members
from triplegate.wire.jsonrpc import Env, is_batch, read, read_batch, read_params
from triplegate.wire.mcp_era import LEGACY, MODERN, Era, era_of
from triplegate.wire.mcp_headers import VERSION_KEY, Routing, check_version, climb, read_routing
from triplegate.wire.mcp_params import check_params

MOST = 4 * 1024 * 1024
"""Bytes of one message."""

_BATCHES = "2025-03-26"


class Reading:
    """Reads messages of both eras."""

    __slots__ = ("_questions", "_sessions", "_views", "access", "controls")

    def __init__(
        self,
        access: Access,
        views: Views,
        sessions: ClientSessions,
        questions: Questions,
        controls: Controls | None = None,
    ) -> None:
        self.access, self._views, self._sessions = access, views, sessions
        self._questions, self.controls = questions, controls
        """`controls`: what is asked of calls once they are read; None where nothing is."""

    async def read(self, exchange: Exchange, principal: Principal, virtual: str) -> McpCall:
        """The message; the first check that fails raises its Refusal."""
        inbound = exchange.inbound
        if not self.access.may_enter(virtual, principal):
            raise Refusal("route_not_found", "There is no such endpoint.")
        view = self._views.of(virtual, principal)
        if inbound.method != "POST":
            return await self._of_session(inbound, principal, view)
        if media_type(inbound.headers) not in (b"application/json", b""):
            raise Refusal("unsupported_media_type", "A message is application/json.")
        text = await inbound.body.whole(MOST)
        exchange.numbers.bytes_in = len(text)
        routing = read_routing(inbound.headers)
        if text[:1] != b"{" and is_batch(text):
            return await self._batch(exchange, principal, view, routing, text)
        env = read(text)
        return await self._in_its_era(exchange, principal, view, routing, env)

    def _in_its_era(
        self, exchange: Exchange, principal: Principal, view: View, routing: Routing, env: Env
    ) -> Awaitable[McpCall]:
        """What may still be refused is refused as its era does; the params are read once for all who ask."""
        params: Members = {}
        meta: Members = {}
        era: Era = "modern"
        try:
            if env.kind == "response":
                era = "legacy"
            elif routing.version != MODERN:
                params = read_params(env)
                meta = _meta(params) if "_meta" in params else {}
                session, enveloped = routing.sessions > 0, VERSION_KEY in meta
                era = era_of(routing.version, enveloped=enveloped, session=session, method=env.method)
        finally:
            exchange.call = McpCall(env.kind, era, env.method, bytes(env.id) or b"null")
        if era == "modern":
            return self._modern(exchange, view, routing, env)
        return self._legacy(exchange, principal, view, routing, env, params, meta)

    async def _of_session(self, inbound: Inbound, principal: Principal, view: View) -> McpCall:
        """GET and DELETE."""
        given = [value for name, value in inbound.headers if name == b"mcp-session-id"]
        routing = Routing(session=given[0] if given else None, sessions=len(given))
        session = await self._session(routing, principal, view.virtual)
        if inbound.method == "DELETE":
            return McpCall("end", "legacy", session=session, view=view)
        return McpCall("stream", "legacy", session=session, view=view, ear=Ear(view, ALL, session.id))

    def check(self, call: McpCall, principal: Principal, virtual: str) -> None:
        """May a call under way go on? Asked of the rules alone, of no server. Raises the Refusal it would meet."""
        if not self.access.may_enter(virtual, principal):
            raise Refusal("route_not_found", "There is no such endpoint.")
        if call.ear is not None:
            call.ear.turn(self._views.of(virtual, principal))
        item = call.item
        if item is not None:
            server, own, caller = item.server, item.own, self.access.of(principal)
            if (
                server.name not in self.access.servers(principal)
                or not server.vouches(item.kind, own)
                or not caller.permits(virtual, server.name, item.kind, own.name)
            ):
                raise not_found(item.kind, item.name)

    # 2026-07-28 --------------------------------------------------------------------------------------------------
    async def _modern(self, exchange: Exchange, view: View, routing: Routing, env: Env) -> McpCall:
        envelope = climb(routing, env)
        check_version(envelope.version, (MODERN,))
        if env.kind == "notification":
            return McpCall("notification", "modern", env.method)
        method, identity, params, through = method_of(env.method, "modern"), bytes(env.id), envelope.params, ""
        if view.progressive and env.method == "tools/call":
            env, params, through = unwrap(env, params)
            method = METHODS[through or env.method]
        item = None if method.known is None else method.known(view, params)
        if item is None and method.find is not None:
            item = await method.find(view, params)
        if item is not None and item.own.mirrors and not through:
            check_params(exchange.inbound.headers, item.own.mirrors, bytes(params.get("arguments", b"")))
        call = McpCall(
            "request", "modern", env.method, identity, env, params, envelope.meta, None, view, item, through=through
        )
        if item is not None and "requestState" in params:
            return await self._questions.open(call, exchange.principal)
        return call

    # up to 2025-11-25 --------------------------------------------------------------------------------------------
    async def _legacy(
        self,
        exchange: Exchange,
        principal: Principal,
        view: View,
        routing: Routing,
        env: Env,
        params: Members,
        meta: Members,
    ) -> McpCall:
        identity = bytes(env.id) or b"null"
        if env.kind == "request" and env.method == "initialize":
            return McpCall("request", "legacy", env.method, identity, env, params, view=view)
        session = self._sessions.known(routing.session, principal, view.virtual) if routing.sessions == 1 else None
        if session is None:
            session = await self._session(routing, principal, view.virtual)
        if routing.version is not None and routing.version not in LEGACY:
            raise Refusal("rpc_invalid_request", "The header MCP-Protocol-Version names no version of a session.")
        if env.kind != "request":
            return McpCall(env.kind, "legacy", env.method, identity, env, session=session, view=view)
        method, through = method_of(env.method, "legacy"), ""
        if view.progressive and env.method == "tools/call":
            env, params, through = unwrap(env, params)
            method = METHODS[through or env.method]
        item = None if method.known is None else method.known(view, params)
        if item is None and method.find is not None:
            item = await method.find(view, params)
        if through:  # its params are the ones within
            meta = _meta(params)
        return McpCall(
            "request", "legacy", env.method, identity, env, params, meta, session, view, item, through=through
        )

    async def _batch(
        self, exchange: Exchange, principal: Principal, view: View, routing: Routing, text: bytes
    ) -> McpCall:
        """Only 2025-03-26 knows batches; each message in it is a call of its own."""
        refused = Refusal("rpc_invalid_request", "Batches are not supported by this protocol version.")
        if routing.version not in (None, _BATCHES) or exchange.depth:
            raise refused
        session = await self._session(routing, principal, view.virtual)
        if session.version != _BATCHES:
            raise refused
        return McpCall("batch", "legacy", "batch", session=session, view=view, messages=tuple(read_batch(text)))

    def _session(self, routing: Routing, principal: Principal, virtual: str) -> Awaitable[ClientSession]:
        if routing.sessions > 1:
            raise Refusal("rpc_invalid_request", "The header Mcp-Session-Id stands more than once.")
        return self._sessions.find(routing.session, principal, virtual)


def _meta(params: Members) -> Members:
    raw = bytes(params.get("_meta", b""))
    if raw[:1] != b"{":
        return {}
    try:
        return read_members(raw)
    except Refusal as refusal:
        raise Refusal("rpc_invalid_params", refusal.detail) from refusal
