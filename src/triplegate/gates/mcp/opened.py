"""Sessions of ours at servers: whose each is, which era a call goes in, and how they are given back."""

from collections.abc import Callable

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import OURS, end_session, era_of_server, session_of, set_level
from triplegate.gates.mcp.line import session_at
from triplegate.gates.mcp.parking import CAN
from triplegate.gates.mcp.server import Server, UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession, ClientSessions, owner_of
from triplegate.wire.mcp_era import Era

_NO_SESSIONS = frozenset({"upstream_failed", "upstream_timeout", "upstream_reset", "upstream_malformed"})


class Opened:
    """Opens and finds them."""

    __slots__ = ("_kit", "_sessions", "_told")

    def __init__(self, kit: Kit, sessions: ClientSessions, told: Callable[[str], None]) -> None:
        """`told`: hears of client sessions that have another session at a server."""
        self._kit, self._sessions, self._told = kit, sessions, told

    async def era(self, exchange: Exchange, call: McpCall, server: Server) -> Era:
        """The era to speak: a client in a session is served best in one, where the server has both.

        What a server says to somebody in between (questions, logs, progress) often exists in sessions only.
        Raises Refusal upstream_*.
        """
        state = server.state
        era = state.era or await era_of_server(server)
        if era == "legacy" or call.session is None or state.sessions_too is False:
            return era
        try:
            await self.get(exchange, call, server, None)
        except Refusal as refusal:
            if state.sessions_too or refusal.code not in _NO_SESSIONS:
                raise
            state.sessions_too = False
            return era
        state.sessions_too = True
        return "legacy"

    def known(self, call: McpCall, server: Server) -> UpstreamSession | None:
        """The session of this client session, where it is the one that all nodes know; None: it takes a longer look."""
        client = call.session
        if client is None or server.isolation != "session":
            return None
        found = server.state.sessions.get("s:" + client.id)
        if found is None:
            return None
        noted = client.upstream.get(server.name)
        if noted == found.noted or (noted is None and (not found.id or server.local)):
            return found
        return None

    async def get(
        self, exchange: Exchange, call: McpCall, server: Server, ended: UpstreamSession | None
    ) -> UpstreamSession:
        """The session of this client session, this principal or everybody; another one than `ended`."""
        state, owner = server.state, owner_at(exchange, call, server.isolation)
        client = call.session if owner.startswith("s:") else None
        if ended is not None:
            server.forget(owner, ended, "404")
        found = state.sessions.get(owner) if client is None else session_at(server, client)
        if found is not None and ended is not None and found.id == ended.id:
            found = None
        if found is not None:
            if state.sessions.get(owner) is not found:
                server.keep(owner, found)  # another node has opened it
        elif client is None:
            found = await session_of(server, owner, CAN if server.parks else b"{}")
        else:
            found = await session_of(server, owner, client.capabilities)
            await self._begin(server, found, client)
            await self._note(server, found, client)
            self._told(client.id)
            return found
        if client is not None:
            await self._note(server, found, client)
        return found

    async def _begin(self, server: Server, session: UpstreamSession, client: ClientSession) -> None:
        """A new one gets what its client has asked for before."""
        if client.level and server.state.offers("logging"):
            await set_level(server, session, client.level)

    async def _note(self, server: Server, session: UpstreamSession, client: ClientSession) -> None:
        """Other nodes shall use the same."""
        if session.id and not server.local and client.upstream.get(server.name) != session.noted:
            client.upstream[server.name] = session.noted
            await self._sessions.note_upstream(client, server.name, session.version, session.id)

    def end(self, client: ClientSession, servers: tuple[Server, ...]) -> None:
        """Give back what was opened at servers for a client session. Best effort."""
        for server in servers:
            session = session_at(server, client)
            server.forget(f"s:{client.id}")
            if session is not None:
                try:
                    self._kit.supervisor.spawn(end_session(server, session), "end session")
                except Refusal:
                    return


def owner_at(exchange: Exchange, call: McpCall, isolation: str = "session") -> str:
    """Whose the session at a legacy server is: a client session's, a principal's, or everybody's: ours.

    Anonymous callers are told apart by their addresses.
    """
    if isolation == "shared":
        return OURS
    if call.session is not None and isolation == "session":
        return f"s:{call.session.id}"
    principal = exchange.principal
    assert principal is not None
    owner = "p:" + owner_of(principal).decode()
    return f"{owner}@{exchange.inbound.client}" if principal.method == "none" else owner
