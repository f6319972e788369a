"""One stream from each server that somebody listens to: changes come in once, whoever hears of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.core.ports import Supervisor
from triplegate.gates.mcp.asking import ask, media_type
from triplegate.gates.mcp.connecting import (
    META,
    OURS,
    era_of_server,
    modern_headers,
    session_headers,
    session_of,
)
from triplegate.gates.mcp.ears import ALL, Lists
from triplegate.gates.mcp.server import Server
from triplegate.wire.json_members import encode
from triplegate.wire.jsonrpc import Env, read
from triplegate.wire.mcp_era import Era
from triplegate.wire.sse import SseCutter, data_of, spans

_LARGEST_EVENT = 1024 * 1024
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a stream that ended is opened again
_ASK = 10.0
_LISTS: Mapping[str, Lists] = {f"notifications/{lists}/list_changed": lists for lists in ALL}
_UPDATED = "notifications/resources/updated"
_FILTER = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}


class _Updated(msgspec.Struct):
    uri: str


_updated = msgspec.json.Decoder(_Updated).decode
Tell = Callable[[Server, Lists | None, str], None]
"""(server, the list that changed, or None and the URI of a resource that did)."""


class Hearing:
    """What is heard from one server, while anybody listens."""

    __slots__ = ("_era", "_stop", "_stream", "_supervisor", "_tell", "_wanted", "deaf", "listeners", "opened", "server")

    def __init__(self, server: Server, supervisor: Supervisor, tell: Tell) -> None:
        self.server, self._supervisor, self._tell = server, supervisor, tell
        self.listeners = 0
        self.deaf = False
        """The server has no such stream; remembered for as long as anybody listens."""
        self.opened = 0
        """Streams that were opened since the filter is this one."""
        self._wanted: Counter[str] = Counter()
        """Resources by the server's own URIs."""
        self._stop: Callable[[], None] | None = None
        self._stream: Reply | None = None
        self._era: Era = "modern"
        """In which the stream was opened."""

    def add(self, uris: frozenset[str]) -> None:
        """One more listens, to these resources as well. Raises Refusal overloaded."""
        self.listeners += 1
        if self._stop is None:
            self._start()
        self.watch(uris, frozenset())

    def _start(self) -> None:
        if self._stop is not None:
            self._stop()
        self.opened, self._stop = 0, None
        self._stop = self._supervisor.spawn(self._run(), f"hear {self.server.name}")

    def leave(self, uris: frozenset[str]) -> None:
        """One less listens."""
        self.listeners -= 1
        self.watch(frozenset(), uris)
        if self.listeners <= 0 and self._stop is not None:
            self._stop()
            self._stop = None

    def watch(self, more: frozenset[str], less: frozenset[str]) -> None:
        """Some begin and some cease to hear of these resources."""
        before = set(self._wanted)
        self._wanted.update(more)
        self._wanted.subtract(less)
        self._wanted = +self._wanted
        begun, ended = set(self._wanted) - before, before - set(self._wanted)
        if self._stream is None or not (begun or ended):
            return
        if self._era == "modern":
            self._start()  # the filter of a stream is fixed: another is opened
            return
        for method, uris in (("resources/subscribe", begun), ("resources/unsubscribe", ended)):
            for uri in uris:
                self._supervisor.spawn(self._subscribe(method, uri), "subscribe")

    # while anybody listens ---------------------------------------------------------------------------------------
    async def _run(self) -> None:
        wait = _FIRST_WAIT
        try:
            while not self.deaf:
                try:
                    heard = await self._hear()
                except Refusal:
                    heard = False
                wait = _FIRST_WAIT if heard else min(wait * 2, _LONGEST_WAIT)
                if not self.deaf:
                    await asyncio.sleep(wait)
        finally:
            self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.frames.close()

    async def _hear(self) -> bool:
        """One stream until it ends; whether anything came. Raises Refusal upstream_*."""
        server = self.server
        era = self._era = await era_of_server(server)
        told = [lists for lists in ALL if _said(server, lists, "listChanged")]
        if not told and not _said(server, "resources", "subscribe"):
            self.deaf = True
            return False
        wanted = set(self._wanted)
        stream = await (self._listen(told) if era == "modern" else self._get())
        if self.deaf or stream is None:
            return False
        if era == "modern" and wanted != set(self._wanted):
            stream.frames.close()
            return True  # more is wanted by now: another filter
        again, self.opened = self.opened > 0, self.opened + 1
        self._stream = stream
        if era == "legacy":
            for uri in list(self._wanted):
                await self._subscribe("resources/subscribe", uri)
        if again:
            for lists in told:
                self._tell(server, lists, "")  # what changed meanwhile was not heard
        try:
            return await self._read(stream)
        finally:
            self._close()

    async def _listen(self, told: list[Lists]) -> Reply | None:
        """A modern server's stream, with a filter of all that anybody wants."""
        wanted: dict[str, object] = {_FILTER[lists]: True for lists in told}
        if self._wanted:
            wanted["resourceSubscriptions"] = sorted(self._wanted)
        params = encode({"_meta": msgspec.Raw(META), "notifications": wanted})
        body = b'{"jsonrpc":"2.0","id":"listen-%d","method":"subscriptions/listen","params":%b}' % (self.opened, params)
        server = self.server
        reply = await server.send(modern_headers("subscriptions/listen"), body, server.endless(), None)
        return self._stream_of(reply)

    async def _get(self) -> Reply | None:
        """A legacy server's stream, in the session of our own questions."""
        server = self.server
        session = await session_of(server, OURS)
        reply = await server.send(session_headers(session), b"", server.endless(), None, "GET")
        if reply.status == 404 and session.id:
            server.forget(OURS, session, "404")
        return self._stream_of(reply)

    def _stream_of(self, reply: Reply) -> Reply | None:
        if reply.status == 200 and media_type(reply.headers) == b"text/event-stream":
            return reply
        reply.frames.close()
        if reply.status in (400, 405, 501) or (reply.status == 404 and self._era == "modern"):
            self.deaf = True
        return None

    async def _read(self, stream: Reply) -> bool:
        cutter, heard = SseCutter(_LARGEST_EVENT), False
        async for chunk in stream.frames:
            block = cutter.feed(chunk)
            for start, end in spans(block):
                data = data_of(block[start:end])
                if data:
                    heard = True
                    self._take(data)
        return heard

    def _take(self, data: bytes) -> None:
        try:
            env = read(data)
        except Refusal:
            return
        note(self.server, env, self._tell)

    async def _subscribe(self, method: str, uri: str) -> None:
        server = self.server
        if not _said(server, "resources", "subscribe"):
            return
        try:
            session = await session_of(server, OURS)
            await ask(server, method, encode({"uri": uri}), session_headers(session), _ASK)
        except Refusal:
            return  # the stream breaks as well then, and all is asked for again


def note(server: Server, env: Env, tell: Tell) -> bool:
    """Tell of the change that a server's notification names; whether it names one."""
    lists = _LISTS.get(env.method)
    if lists is not None:
        tell(server, lists, "")
        return True
    if env.method != _UPDATED:
        return False
    try:
        tell(server, None, _updated(env.params).uri)
    except msgspec.MsgspecError:
        return True
    return True


def _said(server: Server, capability: str, member: str) -> bool:
    """Whether the server says that it has this part of a capability."""
    told = (server.state.capabilities or {}).get(capability)
    return isinstance(told, dict) and told.get(member) is True
