"""What one team sees through one path: items by the names clients use, found by tables and nothing else."""

import re
from collections.abc import Callable, Mapping

import msgspec

from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access, Caller
from triplegate.gates.mcp.apps import ui_of
from triplegate.gates.mcp.call import Item, OwnItem
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.exposing import Exposure, Showing, write_item
from triplegate.gates.mcp.kinds import KINDS, Kind
from triplegate.gates.mcp.links import Links
from triplegate.gates.mcp.names import UI, read_uri
from triplegate.gates.mcp.search import Index
from triplegate.gates.mcp.server import Server
from triplegate.wire.uri_template import matcher

_MOST_VIEWS = 4096
_PLAIN = re.compile(r"[\w./:-]+", re.ASCII).fullmatch
"""A name that is the same between quotes."""
_READ: tuple[Kind, ...] = ("resource", "template")


class View:
    """The items of one path for one team, a table a kind; list and call read the same table."""

    __slots__ = ("_access", "_catalog", "_exposure", "_spoken", "_tables", "_templates", "servers", "virtual")

    def __init__(
        self, virtual: str, servers: tuple[Server, ...], exposure: Exposure, access: Caller, catalog: Catalog
    ) -> None:
        self.virtual, self.servers = virtual, servers
        self._exposure, self._access, self._catalog = exposure, access, catalog
        self._tables: dict[Kind, tuple[object, Mapping[str, Item]]] = {}
        self._spoken: tuple[object, Mapping[bytes, Item]] = (None, {})
        self._templates: tuple[object, list[tuple[Callable[[str], bool], Item]]] = (None, [])

    def table(self, kind: Kind) -> Mapping[str, Item]:
        """Items by name, in the order of names; made anew only when some server's items of this kind have changed."""
        items = self._exposure.items(kind)
        known = self._tables.get(kind)
        if known is None or known[0] is not items:
            found = {item.name: item for item in self._permitted(kind)}
            known = self._tables[kind] = (items, dict(sorted(found.items())))
        return known[1]

    def spoken(self, name: msgspec.Raw) -> Item | None:
        """The tool whose raw name a call says; None: it is to be found by what that reads."""
        table = self.table("tool")
        if self._spoken[0] is not table:
            self._spoken = (table, {b'"%b"' % name.encode(): item for name, item in table.items() if _PLAIN(name)})
        return self._spoken[1].get(bytes(name))

    def _permitted(self, kind: Kind) -> list[Item]:
        """What this team may use, by server and in each server's own order."""
        _, items = self._exposure.items(kind)
        seen = frozenset(self.servers)
        return [item for item in items if item.server in seen and self._permits(item)]

    def _permits(self, item: Item) -> bool:
        return self._access.permits(self.virtual, item.server.name, item.kind, item.own.name)

    async def find(self, kind: Kind, name: str) -> Item | None:
        """The item of that name; None for an unknown one and, just the same, for one that is not allowed."""
        item = self.table(kind).get(name)
        if item is not None:
            return item
        if KINDS[kind].named == "name":
            if self._catalog.offline:
                supposed = self._exposure.supposed(kind, name, self.servers)
                return supposed if supposed is not None and self._permits(supposed) else None
            likely = self._exposure.likely(name, self.servers)
            await self._catalog.load(likely, (kind,), patient=len(likely) < len(self.servers) or len(likely) == 1)
        else:
            await self._catalog.load(self.servers, _READ, patient=False)
        item = self.table(kind).get(name)
        return self._unlisted(name) if item is None and kind == "resource" else item

    @property
    def fail_closed(self) -> bool:
        """Whether a list is refused when a server fails, rather than served without its part."""
        return self._exposure.showing.fail_closed

    @property
    def progressive(self) -> bool:
        """Whether clients are shown the three tools that find the others instead of all of them."""
        return self._exposure.showing.progressive

    @property
    def instructions(self) -> str:
        """What clients are told to tell their models: the operator's words, none of a server's."""
        return self._exposure.showing.instructions

    def links(self, server: Server) -> Links | None:
        """What links in this server's results are called here; None: as it calls them itself."""
        return self._exposure.links(server.name)

    async def index(self) -> Index:
        """What finds tools by words; of the whole path: leave out what is not in the table."""
        return await self._exposure.index(self._catalog.supervisor)

    async def all(self, kind: Kind, servers: tuple[Server, ...]) -> Mapping[str, Item]:
        """Every item of a kind, once those of `servers` that answer in time have listed theirs."""
        await self._catalog.load(servers, (kind,), patient=False)
        return self.table(kind)

    # resources that no list names ----------------------------------------------------------------------------------
    def _unlisted(self, uri: str) -> Item | None:
        """A resource of the first template that fits, or of the only server that may have it."""
        if len(uri) > KINDS["resource"].longest:
            return None
        said = read_uri(uri)
        own, servers = uri, self.servers
        if said is not None and (its := [server for server in servers if server.alias == said[0]]):
            own, servers = said[1], tuple(its)
        server = self._of_template(uri, own, servers)
        template = server is not None
        if server is None:
            server = self._only(own, [server for server in servers if server.state.offers("resources")])
        if server is None or not (server.pins is None or server.pins.permits_unlisted(own, template=template)):
            return None
        item = write_item(server, "resource", OwnItem(own, b'{"uri":""}'), uri)
        return item if self._permits(item) else None

    def _only(self, own: str, having: list[Server]) -> Server | None:
        """The only server of these; else the only one with this scheme, or whose tools want this shown."""
        if len(having) > 1:
            scheme, colon, _ = own.partition(":")
            if own.startswith(UI):
                alike = {item.server for item in self.table("tool").values() if ui_of(item.own.definition) == own}
            else:
                shown = [item for kind in _READ for item in self.table(kind).values()]
                alike = {item.server for item in shown if item.own.name.startswith(scheme + ":")}
            having = [server for server in having if server in alike and colon]
        return having[0] if len(having) == 1 else None

    def _of_template(self, uri: str, own: str, servers: tuple[Server, ...]) -> Server | None:
        known = self._exposure.items("template")
        if self._templates[0] is not known:
            matchers = [(matcher(item.own.name), item) for item in self._permitted("template")]
            self._templates = (known, matchers)
        for fits, item in self._templates[1]:
            prefixed = item.name != item.own.name
            if item.server in servers and (own != uri or not prefixed) and fits(own):
                return item.server
        return None


class Views:
    """The views of one snapshot."""

    __slots__ = ("_access", "_catalog", "_exposures", "_made", "_servers")

    def __init__(
        self, servers: Mapping[str, Server], showings: Mapping[str, Showing], access: Access, catalog: Catalog
    ) -> None:
        self._servers, self._access, self._catalog = servers, access, catalog
        self._exposures = {
            virtual: Exposure(virtual, showing, servers.values(), access, catalog.changes)
            for virtual, showing in showings.items()
        }
        self._made: dict[tuple[object, ...], View] = {}

    def of(self, virtual: str, principal: Principal) -> View:
        """The view of this caller's team, and of all in it of whom the rules say the same, on a path it may enter."""
        caller = self._access.of(principal)
        key = (virtual, principal.team_ref, principal.team, caller.standing)
        view = self._made.get(key)
        if view is None:
            if len(self._made) >= _MOST_VIEWS:
                self._made.clear()
            seen = tuple(self._servers[name] for name in self._access.servers(principal))
            view = self._made[key] = View(virtual, seen, self._exposures[virtual], caller, self._catalog)
        return view
