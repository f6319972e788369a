"""tools/list, prompts/list, resources/list and resources/templates/list: merged over servers, page by page."""

import binascii
from bisect import bisect_right

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.kinds import KINDS, Kind
from triplegate.gates.mcp.methods.discovery import DEFINITIONS
from triplegate.gates.mcp.own import DEGRADED, TTL, Own, complete, read_text, result_reply
from triplegate.gates.mcp.server import Server
from triplegate.gates.mcp.views import View
from triplegate.wire.json_members import encode

PAGE = 1000
"""Items of one page."""
ONLY = "triplegate.dev/server"
"""The member of `_meta` that narrows a list down to one server, by its name or alias."""


class Lister:
    """Answers the list of one kind."""

    __slots__ = ("_kind",)

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    async def __call__(self, own: Own, exchange: Exchange, call: McpCall) -> Reply:
        """One page, in the order of names."""
        view = call.view
        assert view is not None
        after = _after(call)
        only = _only(view, call)
        servers = view.servers if only is None else (only,)
        table = await view.all(self._kind, servers)
        listings = {server.name: server.state.listings[self._kind] for server in servers}
        now = own.clock.now()
        failing = [server.name for server in servers if server.lacks(self._kind, now)]
        if failing and view.fail_closed:
            reason = f"no list of {', '.join(failing)}"
            raise Refusal("upstream_failed", "A server does not list what it has.", reason=reason)
        few = DEFINITIONS if self._kind == "tool" and view.progressive and only is None else None
        names = list(table if few is None else few)
        if only is not None:
            names = [name for name in names if table[name].server is only]
        start = 0 if after is None else bisect_right(names, after)
        page = names[start : start + PAGE]
        definitions = b",".join([table[name].definition if few is None else few[name] for name in page])
        members = [b'"%b":[%b]' % (KINDS[self._kind].member.encode("ascii"), definitions)]
        if start + PAGE < len(names):
            members.append(b'"nextCursor":"%b"' % binascii.b2a_base64(page[-1].encode(), newline=False))
        if call.era == "modern":
            ttl = min([max(0.0, listing.fresh_until - now) for listing in listings.values()], default=TTL)
            members.append(encode(complete(ttl, failing))[1:-1])
        elif failing:
            members.append(encode({"_meta": {DEGRADED: failing}})[1:-1])
        return result_reply(call, b"{%b}" % b",".join(members))


def _only(view: View, call: McpCall) -> Server | None:
    """The one server whose items are asked for; one that this caller does not see is unknown."""
    if ONLY not in call.meta:
        return None
    name = read_text(call.meta[ONLY], f"_meta.{ONLY}")
    found = [server for server in view.servers if name in (server.name, server.alias)]
    if not found:
        raise Refusal("rpc_invalid_params", f"Unknown server: {name[:128]}")
    return found[0]


def _after(call: McpCall) -> str | None:
    """The name that the asked page begins after: it need not exist any more."""
    if "cursor" not in call.params:
        return None
    try:
        return binascii.a2b_base64(read_text(call.params["cursor"], "cursor"), strict_mode=True).decode()
    except ValueError as error:
        raise Refusal("rpc_invalid_params", "The cursor is not one of ours.") from error
