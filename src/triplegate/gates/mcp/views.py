"""What one team sees through one path: its tools by the names clients use, found by a table and nothing else."""

from collections.abc import Mapping

from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import OwnTool, Tool
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.names import expose, may_begin
from triplegate.gates.mcp.server import Server
from triplegate.wire.json_members import encode, read_members, set_members
from triplegate.wire.mcp_headers import encode_value

_MOST_VIEWS = 4096


class View:
    """The tools of one path for one team; list and call read the same table."""

    __slots__ = ("_access", "_catalog", "_seen", "_table", "servers", "virtual")

    def __init__(self, virtual: str, servers: tuple[Server, ...], access: Access, catalog: Catalog) -> None:
        self.virtual, self.servers = virtual, servers
        self._access, self._catalog = access, catalog
        self._seen = -1
        self._table: dict[str, Tool] = {}

    def table(self) -> Mapping[str, Tool]:
        """Tools by name, in the order of names; made anew only when some server's tools have changed."""
        if self._seen != self._catalog.changes.count:
            self._seen = self._catalog.changes.count
            found: dict[str, Tool] = {}
            for server in self.servers:
                for tool in _exposed(server):
                    if self._access.permits(self.virtual, server.name, tool.own.name):
                        found.setdefault(tool.name, tool)
            self._table = dict(sorted(found.items()))
        return self._table

    async def find(self, name: str) -> Tool | None:
        """The tool of that name; None for an unknown one and, just the same, for one that is not allowed."""
        tool = self.table().get(name)
        if tool is None and self._catalog.offline:
            return self._supposed(name)
        if tool is None:
            likely = [server for server in self.servers if may_begin(name, server.alias)]
            await self._catalog.load(likely, patient=True)
            tool = self.table().get(name)
        return tool

    def _supposed(self, name: str) -> Tool | None:
        """Where no server may be asked (explain): the tool that this would be, if its server has it and lets it be."""
        for server in self.servers:
            own = name.removeprefix(f"{server.alias}__")
            if own and name == expose(server.alias, own) and self._access.permits(self.virtual, server.name, own):
                return _tool(server, OwnTool(own, b"{}", ()))
        return None

    async def all(self) -> Mapping[str, Tool]:
        """Every tool, of all servers that answer in time."""
        await self._catalog.load(self.servers, patient=False)
        return self.table()


def _exposed(server: Server) -> tuple[Tool, ...]:
    """The server's tools under the names clients use; the same for all views, made once a list."""
    tools = server.state.tools
    if server.exposed is None or server.exposed[0] is not tools:
        server.exposed = (tools, tuple([_tool(server, own) for own in tools]))
    return server.exposed[1]


def _tool(server: Server, own: OwnTool) -> Tool:
    name = expose(server.alias, own.name)
    definition = set_members(own.definition, read_members(own.definition), {"name": encode(name)})
    header = encode_value(own.name).encode("latin-1")
    return Tool(name, server, own, definition, encode(own.name), header)


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
