"""What every server offers: fetched in parallel, kept as raw bytes, served stale when a server fails."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit
from triplegate.gates.mcp.asking import Told, ask
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.connecting import (
    META,
    OURS,
    discover_again,
    era_of_server,
    modern_headers,
    session_headers,
    session_of,
)
from triplegate.gates.mcp.kinds import KINDS, Kind
from triplegate.gates.mcp.server import Changes, Listing, Server
from triplegate.gates.mcp.shelf import Shelf
from triplegate.wire.json_members import encode, read_members
from triplegate.wire.mcp_params import mirrored

WAIT = 5.0
"""Seconds a list or a call waits for servers that have not answered; what they had before is served."""
MEET = 2.0
"""Seconds a client that begins waits for servers of which nothing is known yet."""

_NO_METHOD = -32601

_FETCH = 10.0  # seconds for one page
_WHOLE = 30.0  # seconds for all pages of one list
_PAGES = 100
_MOST = 2000  # items of one kind of one server; the rest is left out
_TTL, _TTL_LEAST, _TTL_MOST = 60.0, 1.0, 3600.0
_MEET_AGAIN = 600.0  # seconds between two looks at what a server says that it can do
_CHANGING = 3  # times that a list which changes while it is fetched is fetched again
_AFTER_FAILURE = 5.0  # seconds before a failed server is asked again


class _Page(msgspec.Struct):
    tools: list[msgspec.Raw] = []
    prompts: list[msgspec.Raw] = []
    resources: list[msgspec.Raw] = []
    resourceTemplates: list[msgspec.Raw] = []  # noqa: N815 - as on the wire
    nextCursor: str | None = None  # noqa: N815 - as on the wire
    ttlMs: float | None = None  # noqa: N815 - as on the wire


class _Named(msgspec.Struct):
    name: str = ""
    uri: str = ""
    uriTemplate: str = ""  # noqa: N815 - as on the wire
    inputSchema: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815 - as on the wire


_Waiting = dict["asyncio.Future[None]", tuple[Server, Listing]]
_page = msgspec.json.Decoder(_Page).decode
_named = msgspec.json.Decoder(_Named).decode


class Catalog:
    """Fetches lists; what it learns is kept in each server's state."""

    __slots__ = ("_kit", "_shelf", "changes", "offline", "supervisor")

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.supervisor = kit.supervisor
        self.offline = kit.offline
        """True where nothing may be sent: no server is asked."""
        self.changes = kit.state(Changes, "mcp", Changes)
        shelf = Shelf.kept(kit)
        self._shelf = shelf if shelf.shared else None

    async def load(self, servers: Iterable[Server], kinds: Iterable[Kind], *, patient: bool, wait: float = 0.0) -> None:
        """Fetch what is not fresh, all at once; returns when all is there or `wait` (or `WAIT`) seconds have passed.

        Only a `patient` caller waits for a server that failed last time, and for a list that was fresh a moment ago.
        Where no `wait` is said, one that never listed anything has longer: a first list shall be whole. One that is
        left alone is not asked.
        """
        if self.offline:
            return
        now = self._kit.clock.now()
        waiting: _Waiting = {}
        for server in servers:
            for kind in kinds if not server.health.barred else ():
                listing = server.state.listings[kind]
                if listing.fresh_until <= now:
                    fetching = self._start(server, kind, listing)
                    if patient or not (listing.failure or listing.serves_stale(now)):
                        waiting[fetching] = (server, listing)
        if waiting:
            await self._wait(waiting, wait)

    async def _wait(self, waiting: "_Waiting", wait: float) -> None:
        """All that is asked for, or as much of it as comes in time."""
        _, late = await asyncio.wait(waiting, timeout=wait or WAIT)
        begun = {fetching for fetching in late if waiting[fetching][1].first}
        for fetching in late - begun:
            waiting[fetching][1].fail(f"no answer within {wait or WAIT:g} s", self._kit.clock.wall())
        if not begun or wait:
            return
        longest = max(waiting[fetching][0].first_list for fetching in begun)
        _, late = await asyncio.wait(begun, timeout=max(longest - WAIT, 0.0))
        for fetching in late:
            waiting[fetching][1].fail(f"no answer within {longest:g} s", self._kit.clock.wall())

    async def meet(self, servers: Iterable[Server]) -> None:
        """Ask those whose era is not known what they are and can do; waits `MEET` seconds at most, never fails."""
        strangers = [server for server in servers if server.state.era is None]
        if strangers and not self.offline:
            await self.load(strangers, ("tool",), patient=False, wait=MEET)

    def refresh(self, server: Server) -> None:
        """It is well again: what it listed before is asked for, and who listens hears what has changed."""
        for kind, listing in server.state.listings.items():
            if listing.loaded or listing.failure:
                listing.outdate()
                with suppress(Refusal):  # no room for a task now: whoever lists next asks
                    self._start(server, kind, listing)

    def _start(self, server: Server, kind: Kind, listing: Listing) -> "asyncio.Future[None]":
        return listing.fetching.start(
            self._kit.supervisor, lambda: self._fetch(server, kind, listing), f"{KINDS[kind].method} {server.name}"
        )

    async def _fetch(self, server: Server, kind: Kind, listing: Listing) -> None:
        shelf = self._shelf
        if shelf is not None:
            shelf.join(server, self._apply)
            if not listing.loaded and (known := await shelf.take(server, kind)) is not None:
                await self._keep(server, kind, _read_items(kind, known))
        try:
            async with asyncio.timeout(_WHOLE):
                items, doubts = await self._latest(server, kind, listing)
        except (Refusal, TimeoutError) as error:
            why = error.reason if isinstance(error, Refusal) else "its list took too long"
            listing.fail(why, self._kit.clock.wall())
            server.health.trouble(why)
            listing.fresh_until = self._kit.clock.now() + _AFTER_FAILURE
            return
        listing.succeed(self._kit.clock.wall())
        new = await self._keep(server, kind, items)
        if listing.doubts == doubts:
            listing.fresh_until = self._kit.clock.now() + listing.ttl
        if new and shelf is not None:
            await shelf.put(server, kind, items)

    async def _latest(self, server: Server, kind: Kind, listing: Listing) -> tuple[tuple[OwnItem, ...], int]:
        """The list, asked for again when somebody says meanwhile that it has changed; the doubts it was asked with."""
        items: tuple[OwnItem, ...] = ()
        doubts = -1
        for _ in range(_CHANGING):
            if listing.doubts == doubts:
                break
            doubts = listing.doubts
            items = await self._items(server, kind, listing)
        return items, doubts

    async def _meet_again(self, server: Server) -> None:
        """Know its era, and now and then what it can do: a server without sessions may have learnt something."""
        state, now = server.state, self._kit.clock.now()
        if state.era is None:
            await era_of_server(server)
        elif state.era == "modern" and state.met + _MEET_AGAIN <= now:
            await discover_again(server)
        else:
            return
        state.met = now

    async def _keep(self, server: Server, kind: Kind, items: tuple[OwnItem, ...]) -> bool:
        """Put a list in force, as its server sent it; whether it says anything new."""
        listing = server.state.listings[kind]
        if server.pins is not None and kind in server.pins.kinds:
            items = await server.pins.look(kind, items)
        if listing.loaded and items == listing.items:
            return False
        known, listing.items, listing.loaded = listing.loaded, items, True
        self.changes.note(kind, server.name, news=known)
        return True

    async def _apply(self, server: Server, kind: Kind, definitions: list[msgspec.Raw]) -> None:
        """Another node has fetched a list that is new."""
        listing = server.state.listings[kind]
        await self._keep(server, kind, _read_items(kind, definitions))
        listing.fresh_until = self._kit.clock.now() + listing.ttl

    async def _items(self, server: Server, kind: Kind, listing: Listing) -> "tuple[OwnItem, ...]":
        """Every page of the list; a server that does not say that it has this kind is not asked for it."""
        await self._meet_again(server)
        found: list[msgspec.Raw] = []
        ttl, cursor = None, None
        for _ in range(_PAGES if server.state.offers(KINDS[kind].capability) else 0):
            if len(found) >= _MOST:
                break
            page = await _read_page(server, kind, cursor)
            ttl = page.ttlMs
            found += getattr(page, KINDS[kind].member)
            if not page.nextCursor or page.nextCursor == cursor:
                break
            cursor = page.nextCursor
        listing.ttl = _TTL if ttl is None else min(max(ttl / 1000, _TTL_LEAST), _TTL_MOST)
        return _read_items(kind, found)


async def _read_page(server: Server, kind: Kind, cursor: str | None) -> _Page:
    method = KINDS[kind].method
    told = await _ask(server, method, {} if cursor is None else {"cursor": cursor})
    said = server.state.capabilities or {}
    if told.error == _NO_METHOD and (kind == "template" or KINDS[kind].capability not in said):
        return _Page()  # it never said that it has them
    if told.env is None or told.error is not None:
        if told.status in (400, 404, 405) or told.error == -32022:
            server.state.era = None  # it may have become another one: asked anew next time
        raise Refusal(
            "upstream_failed",
            f"The upstream did not list its {KINDS[kind].capability}.",
            reason=f"{server.name}: {method} was answered with {told.status}, error {told.error}",
        )
    try:
        return _page(told.env.result)
    except msgspec.MsgspecError as error:
        raise Refusal("upstream_malformed", "The upstream's list is malformed.", reason=str(error)) from error


async def _ask(server: Server, method: str, params: dict[str, object]) -> Told:
    """One list in the server's era; a session that has ended is opened again, once."""
    if await era_of_server(server) == "modern":
        envelope = encode({"_meta": msgspec.Raw(META), **params})
        return await ask(server, method, envelope, modern_headers(method), _FETCH)
    session = await session_of(server, OURS)
    told = await ask(server, method, encode(params), session_headers(session), _FETCH)
    if told.status == 404 and session.id:
        server.forget(OURS, session, "404")
        session = await session_of(server, OURS)
        told = await ask(server, method, encode(params), session_headers(session), _FETCH)
    return told


def _read_items(kind: Kind, definitions: list[msgspec.Raw]) -> tuple[OwnItem, ...]:
    """Those that can be offered; of two with the same name the first."""
    found: dict[str, OwnItem] = {}
    for raw in definitions:
        item = _read_item(kind, raw)
        if item is not None:
            found.setdefault(item.name, item)
            if len(found) >= _MOST:
                break
    return tuple(found.values())


def _read_item(kind: Kind, raw: msgspec.Raw) -> OwnItem | None:
    """The item, or None for one that cannot be offered: no name, a member said twice, an invalid x-mcp-header."""
    definition = bytes(raw)
    try:
        said = _named(definition)
        name: str = getattr(said, KINDS[kind].named)
        read_members(definition)
        encode(name)
    except (msgspec.MsgspecError, Refusal, UnicodeError):
        return None
    mirrors = mirrored(bytes(said.inputSchema)) if kind == "tool" else ()
    if not 0 < len(name) <= KINDS[kind].longest or mirrors is None:
        return None
    return OwnItem(name, definition, mirrors)
