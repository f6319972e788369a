"""A call of an item: one target, its era, a session where it needs one, and an answer that streams."""

import asyncio
from collections.abc import Awaitable

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Role
from triplegate.core.fold import Chain
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.gates.charging import charge_at_end
from triplegate.gates.mcp.answers import Answer
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.catalog import forget
from triplegate.gates.mcp.connecting import cancel, end_session, era_of_server, session_of
from triplegate.gates.mcp.requests import legacy_request, modern_request
from triplegate.gates.mcp.server import Server, UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession, ClientSessions, owner_of
from triplegate.upstreams.attempts import attempts
from triplegate.upstreams.retries import UNSENT


class Calling:
    """Carries calls out."""

    __slots__ = ("_kit", "_sessions")

    def __init__(self, kit: Kit, sessions: ClientSessions) -> None:
        self._kit, self._sessions = kit, sessions

    async def forward(self, exchange: Exchange, call: McpCall, item: Item) -> Reply:
        """The server's answer. A call that never reached its server costs nothing."""
        chain, route, numbers = exchange.chain, exchange.route, exchange.numbers
        assert chain is not None
        assert route is not None
        target = route.targets[0][0]
        price = item.server.price_of(item.own.name, target.price) if item.kind == "tool" else None
        if price is not None:
            numbers.own_cost = numbers.list_cost = price.call
            numbers.price_version = price.version

        def pick(tried: list[Attempt]) -> tuple[Target, Role]:
            return target, "retry" if tried else "first"

        def send(attempt: Attempt) -> Awaitable[Reply]:
            return self._send(exchange, call, item, attempt, chain)

        try:
            dispatch, spares = item.server.dispatch(chain), item.server.spares
            reply = await attempts(exchange, dispatch, pick, send, replayable=False, spares_of=lambda _: spares)
        except Refusal:
            if not any(attempt.numbers.bytes_out for attempt in exchange.attempts):
                numbers.own_cost = numbers.list_cost = 0
            raise
        if price is not None and price.per_unit is not None:
            charge_at_end(exchange, price, {})
        numbers.streamed = reply.form == "events"
        return reply

    async def _send(self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, chain: Chain) -> Reply:
        server = item.server
        server.check()
        era = server.state.era or await era_of_server(server)
        if era == "legacy":
            return await self._send_in_session(exchange, call, item, attempt, chain)
        headers, body = modern_request(exchange, call, item)
        attempt.numbers.bytes_out = len(body)
        try:
            dispatch = server.dispatch(chain)
            reply = await server.send(headers, body, dispatch, exchange.deadline, exchange=exchange)
            return await Answer(call, attempt, None, _nothing).reply(reply)
        except Refusal as refusal:
            _unsent(attempt, refusal)
            if refusal.code == "upstream_failed":
                server.state.era = None  # it may have become another one: asked anew by the next call
            raise

    async def _send_in_session(
        self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, chain: Chain
    ) -> Reply:
        """A session that has ended (404) has not carried the call out: it is opened again, once."""
        server = item.server
        session = await self._session(exchange, call, server, None)
        reply, number = await self._send_once(exchange, call, item, attempt, chain, session)
        if reply.status == 404 and session.id:
            reply.frames.close()
            session = await self._session(exchange, call, server, session)
            reply, number = await self._send_once(exchange, call, item, attempt, chain, session)
        try:
            return await Answer(call, attempt, number, lambda: self._cancel(server, session, number)).reply(reply)
        except asyncio.CancelledError:
            self._cancel(server, session, number)
            raise
        except Refusal as refusal:
            if refusal.code == "upstream_failed":
                server.state.era = None
            raise

    async def _send_once(
        self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, chain: Chain, session: UpstreamSession
    ) -> tuple[Reply, int]:
        server, number = item.server, session.next_id()
        headers, body = legacy_request(exchange, call, item, session, number)
        attempt.numbers.bytes_out = len(body)
        try:
            dispatch = server.dispatch(chain)
            return await server.send(headers, body, dispatch, exchange.deadline, exchange=exchange), number
        except asyncio.CancelledError:
            self._cancel(server, session, number)
            raise
        except Refusal as refusal:
            _unsent(attempt, refusal)
            if refusal.code == "upstream_timeout":
                self._cancel(server, session, number)
            raise

    def _cancel(self, server: Server, session: UpstreamSession, number: int) -> None:
        try:
            self._kit.supervisor.spawn(cancel(server, session, number), "cancel")
        except Refusal:
            return  # too much is going on: the server finds out by itself

    # sessions of ours --------------------------------------------------------------------------------------------
    async def _session(
        self, exchange: Exchange, call: McpCall, server: Server, ended: UpstreamSession | None
    ) -> UpstreamSession:
        """The session of this client session, or else of this principal; another one than `ended`."""
        state, client = server.state, call.session
        owner = owner_at(exchange, call)
        if ended is not None:
            forget(state, owner, ended)
        noted = client.upstream.get(server.name) if client is not None else None
        found = state.sessions.get(owner)
        if noted is not None:
            version, _, identity = noted.partition(b" ")
            if (found is None or found.id != identity) and (ended is None or ended.id != identity):
                found = UpstreamSession(identity, version.decode("ascii"))  # another node has opened it
                state.keep(owner, found)
        if found is None:
            found = await session_of(server, owner)
        if client is not None and found.id and noted != (value := found.version.encode() + b" " + found.id):
            client.upstream[server.name] = value
            await self._sessions.note_upstream(client, server.name, found.version, found.id)
        return found

    def end(self, client: ClientSession, servers: tuple[Server, ...]) -> None:
        """Give back what was opened at servers for a client session. Best effort."""
        owner = f"s:{client.id}"
        for server in servers:
            session = server.state.sessions.pop(owner, None)
            noted = client.upstream.get(server.name)
            if session is None and noted is not None:
                version, _, identity = noted.partition(b" ")
                session = UpstreamSession(identity, version.decode("ascii"))
            if session is not None:
                try:
                    self._kit.supervisor.spawn(end_session(server, session), "end session")
                except Refusal:
                    return


def owner_at(exchange: Exchange, call: McpCall) -> str:
    """Whose the session at a legacy server is: a client session's, else a principal's; never shared wider.

    Anonymous callers are told apart by their addresses.
    """
    if call.session is not None:
        return f"s:{call.session.id}"
    principal = exchange.principal
    assert principal is not None
    owner = "p:" + owner_of(principal).decode()
    return f"{owner}@{exchange.inbound.client}" if principal.method == "none" else owner


def _unsent(attempt: Attempt, refusal: Refusal) -> None:
    if refusal.code in UNSENT:
        attempt.numbers.bytes_out = 0


def _nothing() -> None:
    """A modern server knows by the closed connection that nobody waits."""
