"""What one team sees through one path: items by the names clients use, found by tables and nothing else."""

from collections.abc import Mapping

from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import Item, OwnItem
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.kinds import KINDS, Kind
from triplegate.gates.mcp.names import expose, expose_uri, may_begin
from triplegate.gates.mcp.server import Server
from triplegate.wire.json_members import encode, read_members, set_members
from triplegate.wire.mcp_headers import encode_value

_MOST_VIEWS = 4096


class View:
    """The items of one path for one team, a table a kind; list and call read the same table."""

    __slots__ = ("_access", "_catalog", "_seen", "_tables", "servers", "virtual")

    def __init__(self, virtual: str, servers: tuple[Server, ...], access: Access, catalog: Catalog) -> None:
        self.virtual, self.servers = virtual, servers
        self._access, self._catalog = access, catalog
        self._seen: dict[Kind, int] = {}
        self._tables: dict[Kind, Mapping[str, Item]] = {}

    def table(self, kind: Kind) -> Mapping[str, Item]:
        """Items by name, in the order of names; made anew only when some server's items of this kind have changed."""
        count = self._catalog.changes.counts[kind]
        if self._seen.get(kind) != count:
            self._seen[kind] = count
            found: dict[str, Item] = {}
            for item in self._permitted(kind):
                found.setdefault(item.name, item)
            self._tables[kind] = dict(sorted(found.items()))
        return self._tables[kind]

    def _permitted(self, kind: Kind) -> list[Item]:
        """What this team may use. A URI that several servers have is told apart by their aliases."""
        items = [
            item for server in self.servers for item in _exposed(server, kind) if self._permits(server, kind, item)
        ]
        if KINDS[kind].named == "name":
            return items
        said: dict[str, int] = {}
        for item in items:
            said[item.name] = said.get(item.name, 0) + 1
        return [
            item
            if said[item.name] == 1
            else _item(item.server, kind, item.own, expose_uri(item.server.alias, item.name))
            for item in items
        ]

    def _permits(self, server: Server, kind: Kind, item: Item) -> bool:
        return self._access.permits(self.virtual, server.name, kind, item.own.name)

    async def find(self, kind: Kind, name: str) -> Item | None:
        """The item of that name; None for an unknown one and, just the same, for one that is not allowed."""
        item = self.table(kind).get(name)
        if item is not None:
            return item
        if self._catalog.offline:
            return self._supposed(kind, name)
        if KINDS[kind].named == "name":
            likely = [server for server in self.servers if may_begin(name, server.alias)]
            await self._catalog.load(likely, (kind,), patient=True)
        else:
            await self._catalog.load(self.servers, (kind,), patient=False)
        return self.table(kind).get(name)

    def _supposed(self, kind: Kind, name: str) -> Item | None:
        """Where no server may be asked (explain): the item that this would be, if its server has it and lets it be."""
        if KINDS[kind].named != "name":
            return None
        for server in self.servers:
            own = name.removeprefix(f"{server.alias}__")
            if own and name == expose(server.alias, own) and self._access.permits(self.virtual, server.name, kind, own):
                return _item(server, kind, OwnItem(own, b'{"name":""}'), name)
        return None

    async def all(self, kind: Kind) -> Mapping[str, Item]:
        """Every item of a kind, of all servers that answer in time."""
        await self._catalog.load(self.servers, (kind,), patient=False)
        return self.table(kind)


def _exposed(server: Server, kind: Kind) -> tuple[Item, ...]:
    """The server's items under the names clients use; the same for all views, made once a list."""
    items = server.state.listings[kind].items
    known = server.exposed.get(kind)
    if known is None or known[0] is not items:
        named = KINDS[kind].named == "name"
        made = [_item(server, kind, own, expose(server.alias, own.name) if named else own.name) for own in items]
        known = server.exposed[kind] = (items, tuple(made))
    return known[1]


def _item(server: Server, kind: Kind, own: OwnItem, name: str) -> Item:
    definition = own.definition
    if name != own.name:
        definition = set_members(definition, read_members(definition), {KINDS[kind].named: encode(name)})
    header = encode_value(own.name).encode("latin-1")
    return Item(kind, name, server, own, definition, encode(own.name), header)


class Views:
    """The views of one snapshot."""

    __slots__ = ("_access", "_catalog", "_made", "_servers")

    def __init__(self, servers: Mapping[str, Server], access: Access, catalog: Catalog) -> None:
        self._servers, self._access, self._catalog = servers, access, catalog
        self._made: dict[tuple[str, str, str], View] = {}

    def of(self, virtual: str, principal: Principal) -> View:
        """The view of this caller's team on a path that it may enter."""
        key = (virtual, principal.team_ref, principal.team)
        view = self._made.get(key)
        if view is None:
            if len(self._made) >= _MOST_VIEWS:
                self._made.clear()
            seen = tuple(self._servers[name] for name in self._access.servers(principal))
            view = self._made[key] = View(virtual, seen, self._access, self._catalog)
        return view
