"""What servers say to one client outside of its calls: the GET streams of the sessions that it has at them."""

import asyncio
from collections.abc import Callable

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.core.ports import Supervisor
from triplegate.gates.mcp.asking import DEPTH, media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import session_headers
from triplegate.gates.mcp.ears import Ear, Lists
from triplegate.gates.mcp.hearing import note
from triplegate.gates.mcp.kinds import KINDS
from triplegate.gates.mcp.line import Line, session_at
from triplegate.gates.mcp.questions import CAPABILITY, can_ask
from triplegate.gates.mcp.server import Server, UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.gates.mcp.turning import log_wanted
from triplegate.wire.json_members import set_members
from triplegate.wire.jsonrpc import Env, read, write_error, write_result
from triplegate.wire.mcp_links import params_fit
from triplegate.wire.mcp_marks import Marks
from triplegate.wire.sse import SseCutter, data_of, id_of, retry_of, spans

_LARGEST_EVENT = 1024 * 1024
_LONGEST_ID = 1024  # bytes of an event id
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a stream that ended is opened again
_SHARE = 4  # one of so many connections to a server may be a stream of this kind
_MOST = 64  # of them where connections are not counted
_NO_STREAM = (400, 405, 501)


class Asides:
    """Those of one client session, open while its own stream is."""

    __slots__ = ("_ear", "_kept", "_marks", "_supervisor")

    def __init__(self, ear: Ear, marks: Marks, supervisor: Supervisor) -> None:
        self._ear, self._marks, self._supervisor = ear, marks, supervisor
        self._kept: dict[str, Aside] = {}

    def follow(self, session: ClientSession) -> None:
        """Hear the servers that it has a session at by now, and no others."""
        call = McpCall("stream", "legacy", session=session)
        wanted = {server.name: (server, found) for server in self._ear.view.servers if (found := _at(server, session))}
        for name, aside in list(self._kept.items()):
            if aside.over or name not in wanted or wanted[name][1].id != aside.session.id:
                aside.close()
                del self._kept[name]
        for name, (server, upstream) in wanted.items():
            if name in self._kept:
                self._kept[name].call = call
            elif server.state.asides < _most(server):
                self._kept[name] = Aside(server, upstream, call, self._ear, self._marks, self._supervisor)

    def close(self) -> None:
        """The client listens no more."""
        for aside in self._kept.values():
            aside.close()
        self._kept.clear()


class Aside:
    """One server's stream for one client."""

    __slots__ = ("_ear", "_line", "_stop", "_supervisor", "_wait", "call", "over", "server", "session")

    def __init__(
        self,
        server: Server,
        session: UpstreamSession,
        call: McpCall,
        ear: Ear,
        marks: Marks,
        supervisor: Supervisor,
    ) -> None:
        self.server, self.session, self.call, self._ear = server, session, call, ear
        self._line = Line(server, session, 0, call.session, marks, supervisor)
        self._wait = _FIRST_WAIT
        self.over = False
        """It is heard no more."""
        server.state.asides += 1
        self._stop: Callable[[], None] | None = None
        try:
            self._stop = supervisor.spawn(self._run(), f"aside {server.name}")
        except Refusal:
            self.close()

    def close(self) -> None:
        """Leave the stream. Idempotent."""
        if not self.over:
            self.over = True
            self.server.state.asides -= 1
            if self._stop is not None:
                self._stop()

    async def _run(self) -> None:
        wait = self._wait
        while True:
            try:
                heard = await self._hear()
            except Refusal:
                heard = False
            if heard is None:
                return
            wait = self._wait if heard else min(wait * 2, _LONGEST_WAIT)
            await asyncio.sleep(wait)

    async def _hear(self) -> bool | None:
        """One stream until it ends: whether anything came; None where there is none. Raises Refusal upstream_*."""
        headers: Headers = session_headers(self.session)
        if self.session.heard:
            headers.append((b"last-event-id", self.session.heard))
        server = self.server
        reply = await server.send(headers, b"", server.endless(), None, "GET")
        try:
            if reply.status == 200 and media_type(reply.headers) == b"text/event-stream":
                cutter, heard = SseCutter(_LARGEST_EVENT), False
                async for chunk in reply.frames:
                    block = cutter.feed(chunk)
                    for start, end in spans(block):
                        heard = self._event(block[start:end]) or heard
                return heard
            if reply.status in _NO_STREAM:
                server.state.silent = True
            if server.state.silent or reply.status == 404:  # it has none, or knows the session no more
                self._stop = None
                self.close()
                return None
            return False
        finally:
            reply.frames.close()

    def _event(self, event: bytes) -> bool:
        """Whether it says anything."""
        last, retry, data = id_of(event), retry_of(event), data_of(event)
        if last and len(last) <= _LONGEST_ID:
            self.session.heard = last
        if retry is not None:
            self._wait = min(max(retry / 1000, _FIRST_WAIT), _LONGEST_WAIT)
        if not data:
            return False
        try:
            env = read(data, DEPTH)
            message = self._asked(env) if env.kind == "request" else self._noted(env, data)
        except Refusal:
            return True
        if message is not None:
            self._ear.say(message)
        return True

    def _asked(self, env: Env) -> bytes | None:
        """A question to the client, under an id of ours; only for what it declared, and to no link but a web page."""
        if env.method in CAPABILITY and can_ask(self.call, env.method) and params_fit(bytes(env.params)):
            return set_members(env.text, env.members, {"id": self._line.question(bytes(env.id))})
        if env.method == "ping":
            self._line.respond(write_result(bytes(env.id), b"{}"))
        else:
            self._line.respond(
                write_error(Refusal("rpc_method_not_found", "The client cannot be asked."), bytes(env.id))
            )
        return None

    def _noted(self, env: Env, data: bytes) -> bytes | None:
        """What it says to this client; of changes the client hears in the gateway's own words."""
        if env.kind != "notification" or note(self.server, env, self._changed) or not log_wanted(self.call, env):
            return None
        return data

    def _changed(self, server: Server, lists: Lists | None, uri: str) -> None:
        """Others hear of it by the stream that all share."""
        if lists is None:
            self._ear.updated(server.name, uri)
            return
        for kind, listed in KINDS.items():
            if listed.capability == lists:
                server.state.listings[kind].outdate()
        self._ear.changed(lists)


def _at(server: Server, session: ClientSession) -> UpstreamSession | None:
    """The session that is this client's alone, where what is said in it may pass unseen by guards."""
    if server.isolation != "session" or server.screened or server.state.silent:
        return None
    found = session_at(server, session)
    return found if found is not None and found.id else None


def _most(server: Server) -> int:
    """Calls need connections, too."""
    limits = server.dispatch(None).tuned.get("pool")
    return _MOST if limits is None else max(1, limits.connections // _SHARE)
