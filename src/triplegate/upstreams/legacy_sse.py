"""Servers of 2024-11-05 over HTTP with SSE: messages go out by POST, all that comes back comes on one GET stream."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urljoin

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody, Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Supervisor
from triplegate.upstreams import failures
from triplegate.upstreams.origin import parse
from triplegate.upstreams.peer import Peer
from triplegate.upstreams.peers import PeerHost, Terms
from triplegate.upstreams.pool import Pool
from triplegate.wire.sse import SseReader

LONGEST = 16 << 20
"""Bytes of one event."""
_GREETED = 10.0  # seconds until a stream must have said where messages go
_MET = 3.0  # the same where nobody has said that there is such a stream
_MOST = 10_000
_IDLE = 1800.0
_LASTS = 1e8


Send = Callable[[str, bytes, Headers, bytes, Dispatch], Coroutine[Any, Any, Reply]]
"""Method, path, header fields, body and times of a request → its reply."""


class SseTarget:
    """Where such a server is, and what every request there carries."""

    __slots__ = ("dispatch", "headers", "path", "pool", "send")

    def __init__(self, pool: Pool, path: bytes, headers: Headers, dispatch: Dispatch, send: Send | None = None) -> None:
        """`send`: adds what has to be had first, such as tokens."""
        self.pool, self.path, self.headers, self.dispatch = pool, path, headers, dispatch
        self.send = send or self._send

    def _send(
        self, method: str, path: bytes, headers: Headers, body: bytes, dispatch: Dispatch
    ) -> Coroutine[Any, Any, Reply]:
        return self.pool.send(method, path, headers, BytesBody(body), dispatch)


class SseServer(PeerHost):
    """All streams of one such server: one for each owner, opened when it is first called."""

    def __init__(self, target: SseTarget, supervisor: Supervisor) -> None:
        super().__init__(str(target.pool.origin), Terms(_MOST, _IDLE, kept=False))
        self.target = target
        self._supervisor = supervisor
        self.met = False
        """Whether it was found to be such a server, where that was not said."""

    async def greets(self) -> bool:
        """Whether it is such a server: its stream begins with where messages go. Nothing is left open."""
        try:
            async with asyncio.timeout(_MET):
                link = await SseLink.open(self.target, Peer(self.label, lambda *_: None), self._supervisor)
        except (Refusal, TimeoutError):
            return False
        link.end()
        return True

    async def _begin(self, peer: Peer) -> "SseLink":
        return await SseLink.open(self.target, peer, self._supervisor)


class SseLink:
    """One stream: a session there, which ends with it."""

    def __init__(self, target: SseTarget, peer: Peer, supervisor: Supervisor, stream: Reply) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._target, self._supervisor, self._stream = target, supervisor, stream
        self._peer: Peer | None = peer
        self._label = str(target.pool.origin)
        self._reader = SseReader(LONGEST)
        self._place = b""
        self._stop: Callable[[], None] | None = None

    @classmethod
    async def open(cls, target: SseTarget, peer: Peer, supervisor: Supervisor) -> "SseLink":
        """GET the stream and wait for its first event. Raises Refusal upstream_*."""
        headers = [(b"accept", b"text/event-stream"), *(line for line in target.headers if line[0] != b"accept")]
        dispatch = Dispatch(
            connect=target.dispatch.connect,
            first_byte=min(_GREETED, target.dispatch.first_byte),
            idle=_LASTS,
            total=_LASTS,
            stream=_LASTS,
            tuned=target.dispatch.tuned,
        )
        stream = await target.send("GET", target.path, headers, b"", dispatch)
        link = cls(target, peer, supervisor, stream)
        try:
            media = next((value for name, value in stream.headers if name == b"content-type"), b"")
            if stream.status != 200 or not media.lower().startswith(b"text/event-stream"):
                raise failures.malformed(link._label, f"GET was answered with {stream.status}")
            async with asyncio.timeout(_GREETED):
                while not link._place:
                    link._take(await anext(stream.frames))
            link._stop = supervisor.spawn(link._read(), f"stream of {link._label}")
        except TimeoutError:
            stream.frames.close()
            raise failures.timed_out(link._label, "first event") from None
        except StopAsyncIteration:
            raise failures.reset(link._label, "the stream ended at once") from None
        except BaseException:
            stream.frames.close()
            raise
        return link

    # from the server -----------------------------------------------------------------------------------------------
    def _take(self, chunk: bytes) -> None:
        for event in self._reader.feed(chunk):
            if event.event == "endpoint":
                self._place = self._place or self._address(event.data.decode("utf-8", "replace"))
            elif self._place and self._peer is not None:
                self._peer.line(event.data)

    def _address(self, said: str) -> bytes:
        """Where messages go: nowhere but to where the stream came from."""
        target = self._target
        base = f"{target.pool.origin}{target.path.decode('ascii')}"
        address, _, query = urljoin(base, said.strip()).partition("?")
        try:
            origin, path = parse(address)
        except ValueError as error:
            raise failures.malformed(self._label, f"its endpoint: {error}") from error
        ours = target.pool.origin
        if (origin.scheme, origin.host, origin.port) != (ours.scheme, ours.host, ours.port):
            raise failures.malformed(self._label, f"its endpoint is elsewhere: {origin}")
        place = (path or "/") + (f"?{query}" if query else "")
        if not place.isascii() or any(character <= " " for character in place):
            raise failures.malformed(self._label, "its endpoint is no address")
        return place.encode("ascii")

    async def _read(self) -> None:
        why = "its stream ended"
        try:
            async for chunk in self._stream.frames:
                self._take(chunk)
        except Refusal as refusal:
            why = refusal.reason
        finally:
            self._finish(why)

    # towards the server ----------------------------------------------------------------------------------------------
    def send(self, text: bytes) -> None:
        """One message. Raises Refusal overloaded; what becomes of it is seen later."""
        self._supervisor.spawn(self._post(text), f"message to {self._label}")

    async def _post(self, text: bytes) -> None:
        target = self._target
        try:
            reply = await target.send("POST", self._place, target.headers, text, target.dispatch)
            reply.frames.close()
            why = "" if reply.status < 300 else f"a message was answered with {reply.status}"
            gone = reply.status in (404, 410)  # the session is unknown there
        except Refusal as refusal:
            why, gone = refusal.reason, False
        if not why or self._peer is None:
            return
        self._peer.refused(text, failures.reset(self._label, why))
        if gone:
            self.end(why)

    def end(self, why: str = "it was ended") -> None:
        """Close the stream: that ends the session there. Idempotent."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()
        self._finish(why)

    def _finish(self, why: str) -> None:
        self._stream.frames.close()
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.gone(why)
        if not self.ended.done():
            self.ended.set_result(None)
