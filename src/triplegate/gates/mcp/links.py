"""What links in the results of one server are called on one path, where its resources have other names there."""

from collections.abc import Callable, Iterable

from triplegate.gates.mcp.call import Item
from triplegate.gates.mcp.names import expose_uri
from triplegate.wire.uri_template import matcher


class Links:
    """A server's own URI → the one that clients use."""

    __slots__ = ("_alias", "_fits", "_names")

    def __init__(self, alias: str, names: dict[str, str], fits: list[Callable[[str], bool]]) -> None:
        """`names`: all that it lists; `fits`: templates that other servers have, too."""
        self._alias, self._names, self._fits = alias, names, fits

    def __call__(self, uri: str) -> str:
        """The same where nothing says that another server has it, too."""
        name = self._names.get(uri)
        if name is not None:
            return name
        return expose_uri(self._alias, uri) if any(fits(uri) for fits in self._fits) else uri


def links_of(resources: Iterable[Item], templates: Iterable[Item]) -> dict[str, Links]:
    """By server; those without, of which every resource and template has its own name."""
    resources, templates = list(resources), list(templates)
    servers = {item.server.name: item.server for item in (*resources, *templates) if item.name != item.own.name}
    return {
        name: Links(
            server.alias,
            {item.own.name: item.name for item in resources if item.server.name == name},
            [matcher(item.own.name) for item in templates if item.server.name == name and item.name != item.own.name],
        )
        for name, server in servers.items()
    }
