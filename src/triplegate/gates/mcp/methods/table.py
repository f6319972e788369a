"""Every method a client may use: in which eras, how its item is found, and who answers. What is not here is unknown."""

from collections.abc import Awaitable, Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.kinds import KINDS
from triplegate.gates.mcp.methods import discovery, items, lifecycle, listening
from triplegate.gates.mcp.methods.lists import Lister
from triplegate.gates.mcp.own import Own
from triplegate.gates.mcp.views import View
from triplegate.wire.json_members import Members
from triplegate.wire.mcp_era import Era


class Method(msgspec.Struct, frozen=True, eq=False):
    """One method."""

    eras: tuple[Era, ...] = ("modern", "legacy")
    find: Callable[[View, Members], Awaitable[Item]] | None = None
    """The item that the params name. Raises Refusal where there is none."""
    known: Callable[[View, Members], Item | None] | None = None
    """The same of what is known already, without waiting; None: `find` it."""
    answer: Callable[[Own, Exchange, McpCall], Awaitable[Reply]] | None = None
    """Our own answer; None: the item's server answers."""


METHODS: dict[str, Method] = {
    "server/discover": Method(("modern",), answer=lifecycle.discover),
    "initialize": Method(("legacy",), answer=lifecycle.initialize),
    "ping": Method(("legacy",), answer=lifecycle.ping),
    **{listed.method: Method(answer=Lister(kind)) for kind, listed in KINDS.items()},
    "tools/call": Method(find=items.tool, known=items.known_tool),
    "prompts/get": Method(find=items.prompt),
    "resources/read": Method(find=items.resource),
    "completion/complete": Method(find=items.reference),
    "subscriptions/listen": Method(("modern",), answer=listening.listen),
    "resources/subscribe": Method(("legacy",), find=items.resource, answer=listening.subscribe),
    "resources/unsubscribe": Method(("legacy",), answer=listening.unsubscribe),
    "logging/setLevel": Method(("legacy",), answer=listening.level),
    # no methods of any era: calls of the tools of progressive discovery
    discovery.SEARCH: Method((), answer=discovery.search),
    discovery.DESCRIBE: Method((), answer=discovery.describe),
    discovery.CALL: Method((), find=items.tool, known=items.known_tool),
}


def method_of(name: str, era: Era) -> Method:
    """The method. Raises Refusal rpc_method_not_found for one that this era does not have."""
    method = METHODS.get(name)
    if method is None or era not in method.eras:
        raise Refusal("rpc_method_not_found", f"There is no method {name[:128]} here.")
    return method
