"""What a client wants to hear: subscriptions/listen, resources/subscribe and unsubscribe, logging/setLevel."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import set_level
from triplegate.gates.mcp.ears import ALL, Ear, Lists
from triplegate.gates.mcp.line import session_at
from triplegate.gates.mcp.own import Own, read_text, result_reply
from triplegate.gates.mcp.sessions import MOST_SUBSCRIBED
from triplegate.gates.mcp.streams import HearFrames, hear_reply, subscribed, watched

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""Of log messages, the least severe first."""


class _Filter(msgspec.Struct):
    toolsListChanged: bool | None = None  # noqa: N815 - as on the wire
    promptsListChanged: bool | None = None  # noqa: N815 - as on the wire
    resourcesListChanged: bool | None = None  # noqa: N815 - as on the wire
    resourceSubscriptions: list[str] | None = None  # noqa: N815 - as on the wire


_filter = msgspec.json.Decoder(_Filter).decode
_FLAGS: dict[Lists, str] = {lists: f"{lists}ListChanged" for lists in ALL}


async def listen(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """A stream of what has changed: first what of the filter is honoured, and a result when it ends well."""
    view = call.view
    assert view is not None
    try:
        wanted = _filter(call.params.get("notifications", msgspec.Raw(b"null")))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal("rpc_invalid_params", "params.notifications must be a filter of notifications.") from error
    uris = frozenset(wanted.resourceSubscriptions or ())
    if len(uris) > MOST_SUBSCRIBED:
        raise Refusal("rpc_invalid_params", f"At most {MOST_SUBSCRIBED} resources can be subscribed to.")
    ear = Ear(view, [lists for lists, flag in _FLAGS.items() if getattr(wanted, flag)])
    assert exchange.principal is not None
    ear.watch(await watched(own.access, exchange.principal, view, uris))
    honoured: dict[str, object] = {_FLAGS[lists]: True for lists in ALL if lists in ear.lists}
    if ear.uris:
        honoured["resourceSubscriptions"] = sorted(ear.uris.values())

    async def refresh(ear: Ear) -> None:
        own.hub.renew(ear)
        assert exchange.principal is not None
        own.hub.watch(ear, await watched(own.access, exchange.principal, ear.view, uris))

    frames = HearFrames(own.hub, ear, subscribed(call, honoured), refresh)
    exchange.call = msgspec.structs.replace(call, ear=ear)
    exchange.departs = True
    return hear_reply(frames)


async def subscribe(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """Tell the session of a resource's changes."""
    session = call.session
    assert session is not None
    uri = read_text(call.params.get("uri"), "uri")
    await own.sessions.subscribe(session, session.subscribed | {uri})
    return _changed(own, call)


async def unsubscribe(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """Tell it no more."""
    session = call.session
    assert session is not None
    uri = read_text(call.params.get("uri"), "uri")
    await own.sessions.subscribe(session, session.subscribed - {uri})
    return _changed(own, call)


def _changed(own: Own, call: McpCall) -> Reply:
    """Whatever node has the session's stream looks anew."""
    assert call.session is not None
    own.hub.look(call.session.id)
    return result_reply(call, b"{}")


async def level(own: Own, exchange: Exchange, call: McpCall) -> Reply:
    """From now on the session hears of log messages of this level and above; its servers are told so."""
    session, view = call.session, call.view
    assert session is not None
    assert view is not None
    wanted = read_text(call.params.get("level"), "level")
    if wanted not in LEVELS:
        raise Refusal("rpc_invalid_params", "params.level must be one of " + ", ".join(LEVELS) + ".")
    await own.sessions.set_level(session, wanted)
    for server in view.servers:
        upstream = session_at(server, session) if server.state.offers("logging") else None
        if upstream is not None:
            await set_level(server, upstream, wanted)
    own.hub.look(session.id)
    return result_reply(call, b"{}")
