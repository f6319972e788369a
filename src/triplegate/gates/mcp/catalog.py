"""The tools of every server: fetched in parallel, kept as raw bytes, served stale when a server fails."""

import asyncio
from collections.abc import Iterable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit
from triplegate.gates.mcp.asking import Told, ask
from triplegate.gates.mcp.call import OwnTool
from triplegate.gates.mcp.connecting import META, OURS, era_of_server, modern_headers, session_headers, session_of
from triplegate.gates.mcp.server import Changes, Server, ServerState
from triplegate.wire.json_members import encode, read_members
from triplegate.wire.mcp_params import mirrored

WAIT = 5.0
"""Seconds a list or a call waits for servers that have not answered; what they had before is served."""

_FETCH = 10.0  # seconds for one page
_WHOLE = 30.0  # seconds for all pages of one server
_PAGES = 100
_TOOLS = 2000  # of one server; the rest is left out
_LONGEST_NAME = 256
_TTL, _TTL_LEAST, _TTL_MOST = 60.0, 1.0, 3600.0
_AFTER_FAILURE = 5.0  # seconds before a failed server is asked again


class _Page(msgspec.Struct):
    tools: list[msgspec.Raw] = []
    nextCursor: str | None = None  # noqa: N815 - as on the wire
    ttlMs: float | None = None  # noqa: N815 - as on the wire


class _Tool(msgspec.Struct):
    name: str
    inputSchema: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815 - as on the wire


_page = msgspec.json.Decoder(_Page).decode
_tool = msgspec.json.Decoder(_Tool).decode


class Catalog:
    """Fetches tools; what it learns is kept in each server's state."""

    __slots__ = ("_kit", "changes", "offline")

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.offline = kit.offline
        """True where nothing may be sent: no server is asked."""
        self.changes = kit.state(Changes, "mcp", Changes)

    async def load(self, servers: Iterable[Server], *, patient: bool) -> None:
        """Fetch what is not fresh, all at once; returns when all is there or `WAIT` seconds have passed.

        A server that failed last time is asked again too, but only a `patient` caller waits for it.
        """
        if self.offline:
            return
        now = self._kit.clock.now()
        waiting: dict[asyncio.Future[None], Server] = {}
        for server in servers:
            state = server.state
            if state.fresh_until <= now:
                fetching = self._start(server)
                if patient or not state.failure:
                    waiting[fetching] = server
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=WAIT)
            for fetching in late:
                waiting[fetching].state.failure = f"no answer within {WAIT:g} s"

    def _start(self, server: Server) -> "asyncio.Future[None]":
        return server.state.listing.start(self._kit.supervisor, lambda: self._fetch(server), f"tools {server.name}")

    async def _fetch(self, server: Server) -> None:
        state = server.state
        try:
            async with asyncio.timeout(_WHOLE):
                tools = await self._pages(server)
        except (Refusal, TimeoutError) as error:
            state.failure = error.reason if isinstance(error, Refusal) else "its list took too long"
            state.fresh_until = self._kit.clock.now() + _AFTER_FAILURE
            return
        state.failure = ""
        state.fresh_until = self._kit.clock.now() + state.ttl
        if not state.loaded or tools != state.tools:
            state.tools, state.loaded = tools, True
            self.changes.count += 1

    async def _pages(self, server: Server) -> "tuple[OwnTool, ...]":
        found: dict[str, OwnTool] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self._page(server, cursor)
            for raw in page.tools:
                tool = _read_tool(raw)
                if tool is not None and len(found) < _TOOLS:
                    found.setdefault(tool.name, tool)
            if not page.nextCursor or page.nextCursor == cursor:
                break
            cursor = page.nextCursor
        server.state.ttl = _TTL if page.ttlMs is None else min(max(page.ttlMs / 1000, _TTL_LEAST), _TTL_MOST)
        return tuple(found.values())

    async def _page(self, server: Server, cursor: str | None) -> _Page:
        told = await _ask(server, {} if cursor is None else {"cursor": cursor})
        if told.env is None or told.error is not None:
            if told.status in (400, 404, 405) or told.error == -32022:
                server.state.era = None  # it may have become another one: asked anew next time
            raise Refusal(
                "upstream_failed",
                "The upstream did not list its tools.",
                reason=f"{server.name}: tools/list was answered with {told.status}, error {told.error}",
            )
        try:
            return _page(told.env.result)
        except msgspec.MsgspecError as error:
            raise Refusal("upstream_malformed", "The upstream's list is malformed.", reason=str(error)) from error


async def _ask(server: Server, params: dict[str, object]) -> Told:
    """tools/list in the server's era; a session that has ended is opened again, once."""
    if await era_of_server(server) == "modern":
        envelope = encode({"_meta": msgspec.Raw(META), **params})
        return await ask(server, "tools/list", envelope, modern_headers("tools/list"), _FETCH)
    session = await session_of(server, OURS)
    told = await ask(server, "tools/list", encode(params), session_headers(session), _FETCH)
    if told.status == 404 and session.id:
        forget(server.state, OURS, session)
        session = await session_of(server, OURS)
        told = await ask(server, "tools/list", encode(params), session_headers(session), _FETCH)
    return told


def forget(state: ServerState, owner: str, session: object) -> None:
    """Drop a session that has ended, unless somebody has already replaced it."""
    if state.sessions.get(owner) is session:
        del state.sessions[owner]


def _read_tool(raw: msgspec.Raw) -> OwnTool | None:
    """The tool, or None for one that cannot be offered: no name, a member said twice, an invalid x-mcp-header."""
    definition = bytes(raw)
    try:
        tool = _tool(definition)
        read_members(definition)
        encode(tool.name)
    except (msgspec.MsgspecError, Refusal, UnicodeError):
        return None
    mirrors = mirrored(bytes(tool.inputSchema))
    if not 0 < len(tool.name) <= _LONGEST_NAME or mirrors is None:
        return None
    return OwnTool(tool.name, definition, mirrors)
