"""What a session does besides its requests: its own stream, streams taken up again, notifications, its end."""

from collections.abc import Awaitable, Mapping

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.answering import Answering
from triplegate.gates.mcp.answers import Answer
from triplegate.gates.mcp.asides import Asides
from triplegate.gates.mcp.asking import media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import notify
from triplegate.gates.mcp.ears import ALL, Ear
from triplegate.gates.mcp.hub import Hub
from triplegate.gates.mcp.keeping import FetchedFrames, fetch_reply
from triplegate.gates.mcp.line import Line, session_at
from triplegate.gates.mcp.opened import Opened
from triplegate.gates.mcp.own import accepted
from triplegate.gates.mcp.server import Server, UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession, ClientSessions
from triplegate.gates.mcp.streams import STANDING, HearFrames, hear_reply, stands, watched
from triplegate.wire.json_members import read_members
from triplegate.wire.mcp_marks import Marks, Place

_ROOTS = "notifications/roots/list_changed"
_CANCELLED = "notifications/cancelled"


class Streaming:
    """Streams and notifications of sessions."""

    __slots__ = ("_access", "_hub", "_kit", "_marks", "_opened", "_sessions", "answering")

    def __init__(
        self, kit: Kit, hub: Hub, access: Access, sessions: ClientSessions, opened: Opened, marks: Marks
    ) -> None:
        self._kit, self._hub, self._access, self._sessions = kit, hub, access, sessions
        self._opened, self._marks = opened, marks
        self.answering = Answering(kit, marks)
        """Takes clients' answers to questions."""

    def begin(self) -> None:
        """This snapshot serves."""
        if not self._hub.begun:
            self._hub.begin()

    # GET -------------------------------------------------------------------------------------------------------------
    async def open(self, exchange: Exchange, call: McpCall) -> Reply:
        """The session's own stream, or the rest of the one that Last-Event-ID names."""
        session, ear = call.session, call.ear
        assert session is not None
        assert ear is not None
        last = exchange.inbound.header(b"last-event-id")
        place = self._marks.read_event(session.id, last) if last else None
        if place is not None and place.server:
            reply = await self._resume(exchange, call, place)
            if reply is not None:
                return reply
        assert exchange.principal is not None
        if place is not None and not place.server and place.event != STANDING:
            return self._fetch(exchange, call, place)
        ear.watch(await watched(self._access, exchange.principal, ear.view, session.subscribed))
        for other in self._hub.state.of_session(session.id):
            other.end()  # a message goes to one stream only, and the newest is the one that somebody reads
        self._hub.publish("stream", session=session.id)
        if place is not None:
            _look_again(ear)

        async def refresh(ear: Ear) -> None:
            await self._refresh(exchange, session, ear)

        frames = HearFrames(self._hub, ear, stands(session, self._marks), refresh)
        if exchange.looks is None:  # what a guard has to see comes with calls only
            ear.asides = Asides(ear, self._marks, self._kit.supervisor)
            ear.asides.follow(session)
        exchange.departs = True
        return hear_reply(frames)

    async def _refresh(self, exchange: Exchange, session: ClientSession, ear: Ear) -> None:
        """What it may see or wants to hear of has changed; it also keeps the session alive."""
        principal = exchange.principal
        assert principal is not None
        self._hub.renew(ear)
        try:
            found = await self._sessions.find(session.id.encode("ascii"), principal, ear.view.virtual)
        except Refusal as refusal:
            if refusal.code == "session_not_found":
                ear.end()
            return
        self._hub.watch(ear, await watched(self._access, principal, ear.view, found.subscribed))
        if ear.asides is not None:
            ear.asides.follow(found)

    def _fetch(self, exchange: Exchange, call: McpCall, place: Place) -> Reply:
        """The rest of a call's answer, from where it is kept."""
        box = place.event.decode("ascii")
        if not self._hub.state.leave(box):
            self._hub.publish("fetch", box=box)
        exchange.call = McpCall("stream", "legacy", id=place.call, session=call.session, view=call.view)
        return fetch_reply(FetchedFrames(self._kit.mailbox, place))

    async def _resume(self, exchange: Exchange, call: McpCall, place: Place) -> Reply | None:
        """The rest of a call's answer, from the server that has it; None where it cannot be had."""
        session, view = call.session, call.view
        assert session is not None
        assert view is not None
        server = next((server for server in view.servers if server.name == place.server), None)
        upstream = session_at(server, session) if server is not None else None
        if server is None or upstream is None:
            return None
        line = Line(server, upstream, place.number, session, self._marks, self._kit.supervisor)

        def again(last: bytes, wait: float) -> Awaitable[Reply]:
            return line.resume(last, wait, server.dispatch(None), exchange.deadline)

        reply = await again(place.event, 0.0)
        if reply.status != 200 or media_type(reply.headers) != b"text/event-stream":
            reply.frames.close()
            return None
        exchange.call = McpCall("stream", "legacy", id=place.call, session=session, view=view)
        return await Answer(exchange.call, None, line, again, self._hub.hear).reply(reply)

    # notifications ---------------------------------------------------------------------------------------------------
    async def notified(self, call: McpCall) -> None:
        """What the client of a session says."""
        session, view, env = call.session, call.view, call.env
        if session is None or view is None or env is None:
            return
        if env.method == _CANCELLED:
            named = _members(bytes(env.params)).get("requestId")
            if named is not None:
                self._hub.cancel(session.id, bytes(named))
        elif env.method == _ROOTS:
            for server in view.servers:
                upstream = session_at(server, session)
                if upstream is not None:
                    self._tell(server, upstream, env.method)

    def _tell(self, server: Server, upstream: UpstreamSession, method: str) -> None:
        try:
            self._kit.supervisor.spawn(_notify(server, upstream, method), "notify")
        except Refusal:
            return

    # DELETE ----------------------------------------------------------------------------------------------------------
    async def end(self, exchange: Exchange, call: McpCall) -> Reply:
        """Here, on every node, and at the servers."""
        session, view, principal = call.session, call.view, exchange.principal
        assert session is not None
        assert view is not None
        assert principal is not None
        await self._sessions.end(session, principal)
        self._opened.end(session, view.servers)
        for ear in self._hub.state.of_session(session.id):
            ear.end()
        self._hub.publish("ended", session=session.id)
        return Reply(204, [(b"server", b"triplegate")], accepted().frames, source="local")


def _look_again(ear: Ear) -> None:
    """While nobody listened anything may have changed."""
    for lists in ALL:
        ear.changed(lists)
    for server, uri in ear.uris:
        ear.updated(server, uri)


async def _notify(server: Server, upstream: UpstreamSession, method: str) -> None:
    try:
        await notify(server, upstream, method, b"{}")
    except Refusal:
        return


def _members(text: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return read_members(text) if text[:1] == b"{" else {}
    except Refusal:
        return {}
