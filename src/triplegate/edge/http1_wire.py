"""One call on a client's HTTP/1.1 connection: its body as it comes, its answer framed by us and by nobody else."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Protocol

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Headers
from triplegate.edge.asgi import ClientWire, EdgeLimits
from triplegate.edge.body import ClientBody
from triplegate.edge.guard import Canonical
from triplegate.edge.http1_chunks import ChunkReader

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_FRAMING = frozenset({b"connection", b"transfer-encoding", b"keep-alive", b"upgrade", b"te", b"trailer"})
"""What says where a message ends, and whether another follows, is written here and never copied."""
_SPECIAL = _FRAMING | {b"content-length", b"date"}
_BREAKS = b"\r\n\0"
"""What ends a line, or a reader's idea of one: counted, so that no value makes a line."""
_AHEAD = 64 * 1024
"""Bytes of a body that may wait to be taken; then the client is not read any further."""
_UNTIL_END = -1
_CHUNKED = -2
_NOTHING = -3


class Line(Protocol):
    """The connection, as a call on it sees it."""

    loop: asyncio.AbstractEventLoop
    paused: bool
    """The client takes less than it is sent."""

    def write(self, content: bytes) -> None:
        """Send; a connection that is gone takes it and drops it."""
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
                self.fail(refusal)
                return b""
            self.done = self._reader.done
        if not self.done and sum(map(len, pieces)) > _AHEAD:
            self._line.read_on(wanted=False)
        if pieces or self.done:
            self._wake()
        return rest

    def fail(self, error: Exception) -> None:
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


class Http1Wire(ClientWire):
    """The answer to one request, and what the sweep asks of its call."""

    __slots__ = (
        "_callbacks",
        "_drained",
        "_framing",
        "_head",
        "_limits",
        "_line",
        "_only_head",
        "_version",
        "ended",
        "gone",
        "keep",
        "request",
        "sending_since",
        "started",
        "stopping",
        "task",
    )

    def __init__(self, line: Line, limits: EdgeLimits, method: str, version: str, *, keep: bool) -> None:
        self._line, self._limits = line, limits
        self._only_head = method == "HEAD"
        self._version = version
        self._head: tuple[int, Headers] | None = None
        """Staged: it goes with the first piece."""
        self._framing = _NOTHING
        self._callbacks: list[Callable[[], None]] | None = None
        self._drained: asyncio.Future[None] | None = None
        self.request: Http1Body | None = None
        self.gone = self.started = self.swept = self.stopping = self.ended = False
        self.keep = keep
        """Another call may follow on the connection."""
        self.sending_since = 0.0
        self.task: asyncio.Task[None] | None = None

    def body_of(self, seen: Canonical) -> Http1Body:
        """The body that this head announces; the connection feeds it."""
        self.request = Http1Body(self._line, seen, self._limits)
        return self.request

    # the answer ----------------------------------------------------------------------------------------------
    async def head(self, status: int, headers: Headers) -> None:
        """Stage the head: it goes with the first piece."""
        self._head = status, headers

    async def body(self, content: bytes) -> None:
        """Send a piece; waits while the client is slow."""
        head = self._begin(None) if self._head is not None else b""
        self._send(head + self._framed(content))
        if self._line.paused:
            await self._drain()

    async def end(self, content: bytes = b"", trailers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Send the last piece and complete the message; a message that cannot be completed is cut."""
        head = self._begin(content) if self._head is not None else b""
        message = head + self._framed(content)
        if self._framing == _CHUNKED:
            message += b"0\r\n\r\n"
        self._send(message)
        if self._framing > 0:  # less came than was announced
            self.abort()
            return
        self.ended = True
        if self._line.paused:
            await self._drain()

    def abort(self) -> None:
        """Leave the message visibly incomplete."""
        self._head = None
        if not self.ended and self.started:
            self.keep = False
            # where the end of the connection is the end of the message, only a reset tells
            reset = self._framing == _UNTIL_END
            self._line.cut(queued=not (self.gone or reset), reset=reset)

    def _begin(self, whole: bytes | None) -> bytes:
        """The head as bytes; `whole` when it is all that there will be. Raises Refusal internal."""
        assert self._head is not None
        status, headers = self._head
        kept: Headers = []
        length, dated = _UNTIL_END, False
        for field in headers:
            name = field[0]
            if name not in _SPECIAL:
                kept.append(field)
            elif name == b"content-length":
                length = int(field[1])
            elif name == b"date":
                dated = True
                kept.append(field)
            elif name == b"connection" and field[1] == b"close":
                self.keep = False
        first = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        fields = first + b"\r\n".join(map(b": ".join, kept)) + (b"\r\n" if kept else b"")
        if len(fields) - len(fields.translate(None, _BREAKS)) != 2 * len(kept) + 2:
            raise Refusal("internal", reason="a field of the answer would change its syntax")
        head = fields + (b"" if dated else self._line.date()) + self._frame(status, length, whole)
        self._head = None
        self.started = True
        return head

    def _frame(self, status: int, length: int, whole: bytes | None) -> bytes:
        """Decide how the message ends, and say so."""
        request = self.request
        if request is not None and not request.done:
            self.keep = False  # what is left of the body would be read as the next request (P-15, P-17)
        if self._only_head or status == 204 or status == 304 or status < 200:
            self._framing = _NOTHING
            lines = b"content-length: %d\r\n" % length if length >= 0 and status != 204 else b""
        else:
            if length < 0 and whole is not None:
                length = len(whole)
            if length >= 0:
                self._framing = length
                lines = b"content-length: %d\r\n" % length
            elif self._version == "1.1":
                self._framing = _CHUNKED
                lines = b"transfer-encoding: chunked\r\n"
            else:
                self._framing = _UNTIL_END
                self.keep = False
                lines = b""
        if not self.keep:
            return lines + b"connection: close\r\n\r\n"
        return lines + (b"\r\n" if self._version == "1.1" else b"connection: keep-alive\r\n\r\n")

    def _framed(self, content: bytes) -> bytes:
        framing = self._framing
        if framing >= 0:
            self._framing = left = framing - len(content)
            if left < 0:
                self._framing = 1
                raise Refusal("internal", reason="the answer is longer than its Content-Length")
            return content
        if framing == _CHUNKED:
            return b"%x\r\n%b\r\n" % (len(content), content) if content else b""
        return content if framing == _UNTIL_END else b""

    def _send(self, content: bytes) -> None:
        if content and not self.gone:
            self._line.write(content)

    async def _drain(self) -> None:
        """Wait until the client has taken most of what it was sent."""
        if self.gone:
            return
        self._drained = drained = self._line.loop.create_future()
        self.sending_since = self._line.loop.time()
        try:
            await drained
        finally:
            self._drained = None
            self.sending_since = 0.0

    # what the connection tells -------------------------------------------------------------------------------
    def taken(self) -> None:
        """The client reads again."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def lost(self) -> None:
        """The client left: whoever waits for its body is told so, else the exchange ends, at once."""
        if self.gone:
            return
        self.gone = True
        self.keep = False
        request = self.request
        if self._callbacks is not None:
            for callback in self._callbacks:
                callback()
            self.taken()
        elif request is not None and request.waiting_since:
            request.fail(Gone())
        elif self.task is not None:
            self.task.cancel()
        if request is not None:
            request.fail(Gone())

    def on_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client leaves, instead of cancelling the exchange."""
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def let_go(self) -> None:
        """The exchange is over, though something may still refer to it."""
        if self.request is not None:
            self.request.fail(Gone())

    # what the sweep calls ------------------------------------------------------------------------------------
    def watch(self) -> None:
        """Nothing to do: the connection tells at once when the client leaves."""

    def stop(self) -> None:
        """End the exchange now, because the process does: the pump tells the client in-band where it can."""
        if self.task is not None and not self.stopping:
            self.stopping = True
            self.keep = False
            self.task.cancel()

    def check_stall(self, now: float) -> None:
        """End a wait that outlasts its idle time: for a piece of the body, or for a client that takes nothing."""
        request = self.request
        if request is not None and request.waiting_since and now - request.waiting_since > self._limits.body_idle:
            request.fail(Refusal("body_timeout", "The body did not arrive in time."))
        elif self.sending_since and now - self.sending_since > self._limits.write_idle:
            self._line.cut(queued=False)
            self.lost()
