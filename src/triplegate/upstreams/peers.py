"""MCP servers behind lines of their own (a process, a stream), called as if they were HTTP servers."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import OrderedDict

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers, OneFrame, Reply
from triplegate.core.policy import Dispatch
from triplegate.upstreams import failures
from triplegate.upstreams.coming import Coming
from triplegate.upstreams.peer import JSON, LISTEN, SESSION, Link, Peer
from triplegate.wire.jsonrpc import Env, read

_LOG = logging.getLogger("triplegate.mcp")
_STEADY = 10.0  # seconds after which a process counts as well started
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
_EMPTY: Headers = []
_UNKNOWN = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"there is no such session"}}'
_DEPTH = 1000


class Terms(msgspec.Struct, frozen=True, gc=False):
    """Bounds of the lines to one server."""

    most: int = 16
    idle: float = 1800.0
    """Seconds without a call after which one is ended."""
    lifetime: float | None = None
    """Seconds after which one takes no more calls."""
    kept: bool = True
    """A session that is ended leaves its process to others; else it ends with it."""


class PeerHost(ABC):
    """All peers at one server: one for each owner, begun when it is first called."""

    what = "processes"

    def __init__(self, label: str, terms: Terms) -> None:
        self.label, self.terms = label, terms
        self.retired = False
        """Nobody's configuration names it any more: what runs ends as soon as nobody waits for it."""
        self._peers: OrderedDict[str, Peer] = OrderedDict()
        self._sessions: dict[bytes, Peer] = {}
        self._started: dict[Peer, float] = {}
        self._running: set[Link] = set()
        self._aging: set[Peer] = set()
        self._starting = asyncio.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._why = ""
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def links(self) -> int:
        """How many there are, those included that are ending."""
        return len(self._running)

    async def send(
        self,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        owner: str,
    ) -> Reply:
        """The reply that an HTTP server would give. Raises Refusal upstream_*."""
        coming = await self.open(method, headers, body, owner)
        if isinstance(coming, Reply):
            return coming
        return await coming.reply(dispatch, deadline, patient=method == "GET" or LISTEN.encode() in body[:256])

    async def open(self, method: str, headers: Headers, body: bytes, owner: str) -> Coming | Reply:
        """What will hold the reply; or the reply itself, where nothing is waited for. Raises Refusal upstream_*."""
        session = next((value for name, value in headers if name == SESSION), None)
        if session is not None:
            found = self._sessions.get(session)
            if found is None:
                return Reply(404, list(JSON), OneFrame(_UNKNOWN))
            peer = found
        elif method == "POST":
            peer = await self._peer(owner)
        else:
            return Reply(405, list(_EMPTY), OneFrame())
        peer.used = time.monotonic()
        if owner in self._peers and self._peers[owner] is peer:
            self._peers.move_to_end(owner)
        if method == "POST":
            return self._post(peer, read(body, _DEPTH), legacy=session is not None)
        if method == "DELETE":
            if not self.terms.kept:
                self._end(peer, "its session was ended")
            return Reply(204, list(_EMPTY), OneFrame())
        coming = Coming(self.label, lambda: peer.left(coming))
        peer.listen(coming)
        return coming

    def _post(self, peer: Peer, env: Env, *, legacy: bool) -> Coming | Reply:
        if env.kind == "request":
            coming = Coming(self.label, lambda: peer.left(coming))
            peer.request(env, coming, legacy=legacy)
            return coming
        (peer.told if env.kind == "notification" else peer.answered)(env)
        return Reply(202, list(_EMPTY), OneFrame())

    @abstractmethod
    async def _begin(self, peer: Peer) -> Link:
        """A line to a new peer, which hears what comes from there. Raises Refusal upstream_*."""

    # peers -----------------------------------------------------------------------------------------------------------
    async def _peer(self, owner: str) -> Peer:
        """The owner's, begun when there is none."""
        found = self._peers.get(owner)
        if found is not None and found.link is not None:
            return found
        async with self._starting:
            found = self._peers.get(owner)
            return found if found is not None and found.link is not None else await self._start(owner)

    async def _start(self, owner: str) -> Peer:
        now = time.monotonic()
        if self._closed:
            raise failures.unreachable(self.label, "the gateway is shutting down")
        if now < self._not_before:
            wait = self._not_before - now
            refusal = failures.unreachable(self.label, f"{self._why}; started again in {wait:.1f} s")
            refusal.retry_after = wait
            raise refusal
        self._make_room()
        peer = Peer(self.label, self._gone)
        peer.used = now
        self._peers[owner] = peer  # its place is taken before it is waited for
        try:
            peer.link = link = await self._begin(peer)
        except Refusal as refusal:
            self._peers.pop(owner, None)
            self._pause(refusal.reason)
            raise
        except BaseException:
            self._peers.pop(owner, None)
            raise
        if not link.ended.done():
            self._running.add(link)
            link.ended.add_done_callback(lambda _: self._running.discard(link))
        if self._peers.get(owner) is not peer:
            link.end()
            raise failures.unreachable(self.label, self._why or "it ended at once")
        self._sessions[peer.session] = peer
        self._started[peer] = peer.used = time.monotonic()
        self._look_later()
        return peer

    def _make_room(self) -> None:
        """Raises Refusal upstream_busy when all are in use; else the one idle longest gives way."""
        if self.links < self.terms.most:
            return
        for peer in self._peers.values():
            if not peer.busy and peer.link is not None:
                self._end(peer, "another one needed its place")
                return
        raise failures.busy(self.label, f"all {self.terms.most} {self.what} are in use")

    def _end(self, peer: Peer, why: str) -> None:
        """On purpose: no reason to wait before the next one."""
        link = peer.link
        self._forget(peer)
        if link is not None:
            link.end(why)

    def _forget(self, peer: Peer) -> bool:
        self._sessions.pop(peer.session, None)
        self._started.pop(peer, None)
        for owner, kept in self._peers.items():
            if kept is peer:
                del self._peers[owner]
                return True
        return False

    def _gone(self, peer: Peer, why: str) -> None:
        """By itself, unless it was forgotten before."""
        began = self._started.get(peer, time.monotonic())
        self._aging.discard(peer)
        if not self._forget(peer):
            return
        if time.monotonic() - began >= _STEADY:
            self._failures = 0
        self._pause(why)

    def _pause(self, why: str) -> None:
        self._failures += 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._failures - 1))
        self._not_before, self._why = time.monotonic() + pause, why
        _LOG.warning("%s: %s", self.label, why)

    # from time to time -----------------------------------------------------------------------------------------------
    def retire(self, retired: bool = True) -> None:
        """Whether any configuration in force names it."""
        self.retired = retired
        if retired:
            self._look()

    def _look_later(self) -> None:
        if self._timer is None and not self._closed:
            pause = 1.0 if self.retired else min(30.0, max(0.05, self.terms.idle / 4))
            self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        """End what was idle for too long, or is too old."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        for peer in list(self._peers.values()):
            if self.terms.lifetime is not None and now - self._started.get(peer, now) > self.terms.lifetime:
                self._forget(peer)  # calls under way go on; the next one starts another
                self._aging.add(peer)
            elif peer.busy or peer.link is None:
                peer.used = now
            elif self.retired or now - peer.used > self.terms.idle:
                self._end(peer, "it was idle")
        for peer in [peer for peer in self._aging if not peer.busy]:
            self._aging.discard(peer)
            self._end(peer, "it was old")
        if self._peers or self._aging:
            self._look_later()

    async def close(self) -> None:
        """End all, and wait for that."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for peer in [*self._peers.values(), *self._aging]:
            self._end(peer, "the gateway shuts down")
        ending = [link.ended for link in self._running]
        if ending:
            await asyncio.wait(ending, timeout=5.0)
