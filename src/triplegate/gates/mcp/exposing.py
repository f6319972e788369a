"""What one path shows of its servers, by the names clients use: the same names for every team."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from triplegate.config.documents_mcp import NamingMode, ToolOverride
from triplegate.core.ports import Supervisor
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.apps import ui_of, with_ui
from triplegate.gates.mcp.call import Item, OwnItem
from triplegate.gates.mcp.kinds import KINDS, Kind
from triplegate.gates.mcp.links import Links, links_of
from triplegate.gates.mcp.names import SEPARATOR, expose, expose_bare, expose_uri, full_name, hashed, may_begin
from triplegate.gates.mcp.search import Index
from triplegate.gates.mcp.server import Changes, Server
from triplegate.gates.mcp.shared_work import SharedWork
from triplegate.wire.json_members import encode, read_members, set_members
from triplegate.wire.mcp_headers import encode_value

_NO_OVERRIDE = ToolOverride()


class Showing(msgspec.Struct, frozen=True, eq=False):
    """How one path shows what there is."""

    mode: NamingMode = "always"
    separator: str = SEPARATOR
    servers: Mapping[str, Mapping[str, ToolOverride]] = {}
    """What servers' documents say of their tools: server → own name → override."""
    path: Mapping[str, ToolOverride] = {}
    """What the path's document says of tools by full name."""
    fail_closed: bool = False
    """Whether a list is refused when a server fails."""
    progressive: bool = False
    """Whether tools are found by searching instead of listed."""
    instructions: str = ""
    """What clients are told to tell their models."""


class Exposure:
    """The items of one path, made anew only when some server's items of the kind have changed."""

    __slots__ = ("_access", "_changes", "_index", "_indexing", "_items", "_links", "_servers", "_virtual", "showing")

    def __init__(
        self, virtual: str, showing: Showing, servers: Iterable[Server], access: Access, changes: Changes
    ) -> None:
        self._virtual, self.showing = virtual, showing
        self._servers = sorted(servers, key=lambda server: server.name)
        self._access, self._changes = access, changes
        self._items: dict[Kind, tuple[int, tuple[Item, ...]]] = {}
        self._index: tuple[int, Index] | None = None
        self._links: tuple[tuple[int, int], Mapping[str, Links]] = ((-1, -1), {})
        self._indexing: SharedWork[None] = SharedWork()

    def items(self, kind: Kind) -> tuple[int, tuple[Item, ...]]:
        """What there is, by server and in each server's own order; with the count of changes it was made at."""
        count = self._changes.counts[kind]
        known = self._items.get(kind)
        if known is None or known[0] != count:
            named = self._named if KINDS[kind].named == "name" else self._told_apart
            known = self._items[kind] = (count, tuple(named(kind)))
        return known

    def links(self, server: str) -> Links | None:
        """What links of this server's are called; None: as it calls them itself."""
        counts = self._changes.counts
        count = (counts["resource"], counts["template"])
        if self._links[0] != count:
            self._links = (count, links_of(self.items("resource")[1], self.items("template")[1]))
        return self._links[1].get(server)

    async def index(self, supervisor: Supervisor) -> Index:
        """What finds tools by words; made anew, beside the calls under way, when tools have changed."""
        known = self._index
        if known is None or known[0] != self._changes.counts["tool"]:
            await self._indexing.get(supervisor, self._make_index, "index tools")
            known = self._index
            assert known is not None
        return known[1]

    async def _make_index(self) -> None:
        count, items = self.items("tool")
        before = None if self._index is None else self._index[1]
        self._index = (count, await asyncio.to_thread(Index, items, before))

    def likely(self, name: str, servers: Iterable[Server]) -> list[Server]:
        """The servers that may have an item of this name; all of them where names do not begin with the alias."""
        showing = self.showing
        if showing.mode != "always" or showing.path:
            return list(servers)
        return [server for server in servers if may_begin(name, server.alias, showing.separator)]

    def supposed(self, kind: Kind, name: str, servers: Iterable[Server]) -> Item | None:
        """The item that this name would be if a server has it: where no server may be asked."""
        showing = self.showing
        for server in servers:
            begin = full_name(server.alias, "")
            written = [full.removeprefix(begin) for full in showing.path if full.startswith(begin)]
            bare = name.removeprefix(server.alias + showing.separator)
            for own in (*written, *showing.servers.get(server.name, ()), bare, name):
                item = OwnItem(own, b'{"name":""}')
                if own and self._shows(server, kind, item) and self._wish(kind, server, item, 1) == name:
                    return write_item(server, kind, item, name)
        return None

    def _found(self, kind: Kind) -> list[tuple[Server, OwnItem]]:
        return [
            (server, own)
            for server in self._servers
            for own in server.state.listings[kind].items
            if self._shows(server, kind, own)
        ]

    def _shows(self, server: Server, kind: Kind, own: OwnItem) -> bool:
        return server.vouches(kind, own) and self._access.selects(self._virtual, server.name, kind, own.name)

    # tools and prompts -------------------------------------------------------------------------------------------
    def _named(self, kind: Kind) -> Iterator[Item]:
        """One name each. Names that somebody has written come first, then in the order of servers."""
        found = self._found(kind)
        alike: dict[str, int] = {}
        for _, own in found:
            alike[own.name] = alike.get(own.name, 0) + 1
        taken: dict[str, Item] = {}
        uis = _shared_uis(found) if kind == "tool" else frozenset()
        found.sort(key=lambda one: not self._override(kind, *one).name)
        for server, own in found:
            name = self._wish(kind, server, own, alike[own.name])
            if name in taken and self.showing.mode != "never":
                name = hashed(name, server.alias, own.name)
            if name not in taken:
                description = self._override(kind, server, own).description
                ui = expose_uri(server.alias, uri) if uis and (uri := ui_of(own.definition)) in uis else None
                taken[name] = make_item(server, kind, own, name, description, ui)
        yield from taken.values()

    def _wish(self, kind: Kind, server: Server, own: OwnItem, alike: int) -> str:
        """The name it gets unless another has it already."""
        showing = self.showing
        if kind == "tool":
            written = showing.path.get(full_name(server.alias, own.name), _NO_OVERRIDE).name
            if written:
                return written
        name = self._override(kind, server, own).name or own.name
        if showing.mode == "never" or (showing.mode == "collisions" and alike == 1):
            return expose_bare(server.alias, name)
        return expose(server.alias, name, showing.separator)

    def _override(self, kind: Kind, server: Server, own: OwnItem) -> ToolOverride:
        """What is written about a tool; the path's word counts more than the server's."""
        showing = self.showing
        if kind != "tool" or not (showing.servers or showing.path):
            return _NO_OVERRIDE
        said = showing.servers.get(server.name, {}).get(own.name, _NO_OVERRIDE)
        here = showing.path.get(full_name(server.alias, own.name), _NO_OVERRIDE)
        return ToolOverride(name=here.name or said.name, description=here.description or said.description)

    # resources and templates -------------------------------------------------------------------------------------
    def _told_apart(self, kind: Kind) -> Iterator[Item]:
        """Each under its own URI; one that several servers have, under one that says whose it is."""
        found = self._found(kind)
        alike: dict[str, int] = {}
        for _, own in found:
            alike[own.name] = alike.get(own.name, 0) + 1
        for server, own in found:
            name = own.name if alike[own.name] == 1 else expose_uri(server.alias, own.name)
            yield make_item(server, kind, own, name)


def _shared_uis(found: Iterable[tuple[Server, OwnItem]]) -> frozenset[str]:
    """What tools of several servers want shown under one URI."""
    first: dict[str, Server] = {}
    return frozenset(
        [uri for server, own in found if (uri := ui_of(own.definition)) and first.setdefault(uri, server) is not server]
    )


def make_item(
    server: Server, kind: Kind, own: OwnItem, name: str, description: str | None = None, ui: str | None = None
) -> Item:
    """The item under a name; made once for all paths that show it so."""
    items = server.state.listings[kind].items
    known = server.exposed.get(kind)
    if known is None or known[0] is not items:
        known = server.exposed[kind] = (items, {})
    key = (own.name, name, description, ui)
    item = known[1].get(key)
    if item is None:
        item = known[1][key] = write_item(server, kind, own, name, description, ui)
    return item


def write_item(
    server: Server, kind: Kind, own: OwnItem, name: str, description: str | None = None, ui: str | None = None
) -> Item:
    """The item under a name: its definition with that name, and with another description and `ui` if there are."""
    changes = {} if name == own.name else {KINDS[kind].named: encode(name)}
    if description is not None:
        changes["description"] = encode(description)
    definition = set_members(own.definition, read_members(own.definition), changes) if changes else own.definition
    if ui is not None:
        definition = with_ui(definition, ui)
    header = encode_value(own.name).encode("latin-1")
    return Item(kind, name, server, own, definition, encode(own.name), header)
