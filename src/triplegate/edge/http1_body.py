"""The body of a request on a connection of the in-loop transport: fed as it comes, slowed when nobody takes it."""

import asyncio
from typing import Protocol

from triplegate.core.errors import Refusal
from triplegate.edge.asgi import EdgeLimits
from triplegate.edge.body import ClientBody
from triplegate.edge.guard import Canonical
from triplegate.edge.http1_chunks import ChunkReader

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_AHEAD = 64 * 1024
"""Bytes of a body that may wait to be taken; then the client is not read any further."""


class Line(Protocol):
    """The connection, as a call on it sees it."""

    loop: asyncio.AbstractEventLoop
    paused: bool
    """The client takes less than it is sent."""

    def write(self, content: bytes) -> None:
        """Send; a connection that is gone takes it and drops it."""
        ...

    def unsent(self) -> int:
        """Bytes that the network has not taken yet."""
        ...

    def read_on(self, *, wanted: bool) -> None:
        """Read the client, or leave its bytes in the network."""
        ...

    def cut(self, *, queued: bool = True, reset: bool = False) -> None:
        """End the connection without the end of the message; `queued`: after what waits to be sent."""
        ...

    def date(self) -> bytes:
        """The field `date`, as a whole line."""
        ...


class Fed(Protocol):
    """What takes the bytes behind a head: a body, or a channel once it is open."""

    done: bool
    waiting_since: float

    def feed(self, content: bytes) -> bytes:
        """Take in what came; what stands behind its end comes back."""
        ...

    def break_off(self, error: Exception) -> None:
        """No more will come."""
        ...


class Http1Body(ClientBody):
    """A request body that the connection feeds."""

    __slots__ = ("_expected", "_left", "_line", "_reader", "_waiter", "broken", "done", "pieces", "waiting_since")

    def __init__(self, line: Line, seen: Canonical, limits: EdgeLimits) -> None:
        super().__init__(seen.content_length, limits.body, limits.body_idle, limits.body_rate)
        self._line = line
        self._reader = ChunkReader() if seen.chunked else None
        self._left = seen.content_length or 0
        self._expected = seen.expect_continue
        self._waiter: asyncio.Future[None] | None = None
        self.pieces: list[bytes] = []
        self.done = False
        """Its last byte has come."""
        self.broken: Exception | None = None
        """Why it will never be whole."""
        self.waiting_since = 0.0

    def feed(self, content: bytes) -> bytes:
        """Take in what came; what stands behind the body's end comes back."""
        pieces = self.pieces
        rest = b""
        if self._reader is None:
            piece = content[: self._left]
            rest = content[len(piece) :]
            self._left -= len(piece)
            self.done = not self._left
            pieces.append(piece)
        else:
            try:
                rest = self._reader.feed(content, pieces)
            except Refusal as refusal:
                self.break_off(refusal)
                return b""
            self.done = self._reader.done
        if not self.done and sum(map(len, pieces)) > _AHEAD:
            self._line.read_on(wanted=False)
        if pieces or self.done:
            self._wake()
        return rest

    def break_off(self, error: Exception) -> None:
        """It will never be whole; whoever waits for it is told after what has already come."""
        if self.broken is None and not self.done:
            self.broken = error
            self._wake()

    async def _next(self) -> tuple[bytes, bool]:
        pieces = self.pieces
        if not pieces and not self.done:
            await self._wait()
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if not self.done:
            self._line.read_on(wanted=True)
        return content, not self.done

    async def _wait(self) -> None:
        self._check_broken()
        line = self._line
        if self._expected:
            self._expected = False
            line.write(_CONTINUE)
        self._waiter = waiter = line.loop.create_future()
        since = self.waiting_since = line.loop.time()
        try:
            await waiter
        finally:
            self._waiter = None
            self.waiting_since = 0.0
            self._waited += line.loop.time() - since
        if not self.pieces:
            self._check_broken()

    def _check_broken(self) -> None:
        if self.broken is not None:
            raise self.broken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
