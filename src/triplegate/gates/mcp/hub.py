"""All that listen on this node, what is heard from servers for them, and word from the other nodes."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.ears import Ear, Lists, Watched
from triplegate.gates.mcp.hearing import Hearing
from triplegate.gates.mcp.kinds import KINDS
from triplegate.gates.mcp.server import Server, ServerState
from triplegate.gates.mcp.session_log import SessionLog

TOPIC = "mcp"
MOST = 10_000
"""Streams that may be open on one node."""


class Word(msgspec.Struct, omit_defaults=True):
    """What a node tells the others."""

    node: str
    kind: str
    """changed: a server's list; stream: a session has its stream there now; subscribed: to other resources, or at other
    servers; ended: a session; cancel: a call of one; fetch: somebody asks for the rest of a stream."""
    server: str = ""
    lists: str = ""
    session: str = ""
    call: bytes = b""
    """Raw id of a call."""
    box: str = ""
    """Where the rest of a stream is kept."""


_word = msgspec.json.Decoder(Word).decode


class HubState:
    """What outlives swaps."""

    __slots__ = ("calls", "ears", "following", "hearing", "kept", "node", "servers")

    def __init__(self) -> None:
        self.node = secrets.token_urlsafe(9)
        self.servers: Mapping[str, Server] = {}
        """Those of the snapshot that serves."""
        self.ears: dict[Ear, None] = {}
        self.hearing: dict[ServerState, Hearing] = {}
        self.calls: dict[tuple[str, bytes], Callable[[], None]] = {}
        """Calls under way in sessions: (session, raw id) → ends it."""
        self.kept: dict[str, Callable[[], None]] = {}
        """Streams of calls in sessions: box → lets its client be gone."""
        self.following = False

    def of_session(self, session: str) -> list[Ear]:
        """The ears of a session on this node."""
        return [ear for ear in self.ears if ear.session == session]

    def change(self, server: str, lists: str) -> None:
        """A server's list has changed: it is fetched anew when it is needed, and all who listen are told."""
        found = self.servers.get(server)
        for kind, listed in KINDS.items():
            if found is not None and listed.capability == lists:
                found.state.listings[kind].outdate()
        self.tell(server, lists)

    def tell(self, server: str, lists: str) -> None:
        """All who listen hear that a server's list has changed; without a name, any server's may have."""
        for ear in list(self.ears):
            if not server or server in ear.servers:
                ear.changed(lists)

    def cancel(self, session: str, call: bytes) -> bool:
        """End a call, if it is under way here."""
        end = self.calls.pop((session, call), None)
        if end is not None:
            end()
        return end is not None

    def leave(self, box: str) -> bool:
        """The client of a stream asks for its rest: it has left the stream, if that is here."""
        leave = self.kept.get(box)
        if leave is not None:
            leave()
        return leave is not None

    def look(self, session: str) -> None:
        """A session's stream looks anew what there is to hear."""
        for ear in self.of_session(session):
            ear.stale = True
            ear.wake()

    def take(self, word: Word) -> None:
        """What another node says."""
        if word.kind == "changed":
            self.change(word.server, word.lists)
        elif word.kind == "cancel":
            self.cancel(word.session, word.call)
        elif word.kind == "fetch":
            self.leave(word.box)
        elif word.kind in ("stream", "ended"):
            for ear in self.of_session(word.session):
                ear.end()
        elif word.kind == "subscribed":
            self.look(word.session)


class Hub:
    """The hub of one snapshot."""

    __slots__ = ("_catalog", "_kit", "_servers", "begun", "state")

    def __init__(self, kit: Kit, servers: Mapping[str, Server], catalog: Catalog) -> None:
        self._kit, self._servers, self._catalog = kit, servers, catalog
        self.state = kit.state(HubState, "mcp", HubState)
        self.begun = False

    def begin(self) -> None:
        """This snapshot serves from now on; hear the other nodes, and what lists change."""
        self.begun = True
        self.state.servers = self._servers
        self._catalog.changes.told = self.state.tell
        if not self.state.following and not self._kit.offline:
            self._kit.supervisor.spawn(_follow(self._kit, self.state), "hear nodes")
            self.state.following = True

    def add(self, ear: Ear) -> None:
        """It listens from now on. Raises Refusal overloaded."""
        state = self.state
        if len(state.ears) >= MOST:
            raise Refusal("overloaded", "Too many streams are open.", retry_after=5.0)
        state.ears[ear] = None
        for server in ear.view.servers:
            hearing = state.hearing.get(server.state)
            if hearing is None:
                hearing = state.hearing[server.state] = Hearing(server, self._kit.supervisor, self.hear)
            hearing.server = server
            hearing.add(_of(ear, server))

    def remove(self, ear: Ear) -> None:
        """It listens no more."""
        state = self.state
        if ear not in state.ears:
            return
        del state.ears[ear]
        for server in ear.view.servers:
            hearing = state.hearing.get(server.state)
            if hearing is not None:
                hearing.leave(_of(ear, server))
                if hearing.listeners <= 0:
                    del state.hearing[server.state]

    def renew(self, ear: Ear) -> None:
        """It sees what it may see by now, if that has changed."""
        view = ear.coming
        if view is None:
            return
        ear.coming = None
        listening = ear in self.state.ears
        self.remove(ear)
        ear.renew(view)
        if listening:
            self.add(ear)

    def watch(self, ear: Ear, uris: Mapping[Watched, str]) -> None:
        """It hears of these resources from now on."""
        before = [(server, _of(ear, server)) for server in ear.view.servers]
        ear.watch(uris)
        if ear not in self.state.ears:
            return
        for server, had in before:
            hearing, has = self.state.hearing.get(server.state), _of(ear, server)
            if hearing is not None and has != had:
                hearing.watch(has - had, had - has)

    def look(self, session: str) -> None:
        """A session's stream has other things to hear, on whatever node it is."""
        self.state.look(session)
        self.publish("subscribed", session=session)

    def hear(self, server: Server, lists: Lists | None, uri: str) -> None:
        """A server says that a list of its has changed, or (None) a resource."""
        if lists is None:
            for ear in list(self.state.ears):
                ear.updated(server.name, uri)
            return
        self.state.change(server.name, lists)
        self.publish("changed", server=server.name, lists=lists)

    def cancel(self, session: str, call: bytes) -> None:
        """The client of a session wants a call no more, wherever it is under way."""
        if not self.state.cancel(session, call):
            self.publish("cancel", session=session, call=call)

    def publish(self, kind: str, **more: Any) -> None:
        """Tell the other nodes, best effort."""
        word = msgspec.json.encode(Word(self.state.node, kind, **more))
        try:
            self._kit.supervisor.spawn(_publish(self._kit, word), "tell nodes")
        except Refusal:
            return


def _of(ear: Ear, server: Server) -> frozenset[str]:
    """The resources of a server that an ear hears of, by the server's own URIs."""
    return frozenset([uri for name, uri in ear.uris if name == server.name])


async def _publish(kit: Kit, word: bytes) -> None:
    try:
        await kit.broadcast.publish(TOPIC, word)
    except Refusal:
        return


async def _follow(kit: Kit, state: HubState) -> None:
    """For as long as the process serves."""
    try:
        async for message in kit.broadcast.listen(TOPIC):
            try:
                word = _word(message)
            except msgspec.MsgspecError:
                continue  # another version's
            if word.node == state.node:
                continue
            state.take(word)
            if word.kind == "ended":
                kit.state(SessionLog, "mcp", SessionLog).end(word.session, kit.clock.wall())
    finally:
        state.following = False
