"""One call on a client's HTTP/1.1 connection: its body as it comes, its answer framed by us and by nobody else."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Headers
from triplegate.edge.asgi import ClientWire, EdgeLimits
from triplegate.edge.guard import Canonical
from triplegate.edge.http1_body import Fed, Http1Body, Line

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_FRAMING = frozenset({b"connection", b"transfer-encoding", b"keep-alive", b"upgrade", b"te", b"trailer"})
"""What says where a message ends, and whether another follows, is written here and never copied."""
_SPECIAL = _FRAMING | {b"content-length", b"date"}
_BREAKS = b"\r\n\0"
"""What ends a line, or a reader's idea of one: counted, so that no value makes a line."""
_UNTIL_END = -1
_CHUNKED = -2
_NOTHING = -3


class Http1Wire(ClientWire):
    """The answer to one request, and what the sweep asks of its call."""

    __slots__ = (
        "_callbacks",
        "_drained",
        "_framing",
        "_head",
        "_line",
        "_only_head",
        "_unsent",
        "_version",
        "ended",
        "gone",
        "keep",
        "limits",
        "request",
        "sending_since",
        "started",
        "stopping",
        "task",
    )

    def __init__(self, line: Line, limits: EdgeLimits, method: str, version: str, *, keep: bool) -> None:
        self._line, self.limits = line, limits
        self._only_head = method == "HEAD"
        self._version = version
        self._head: tuple[int, Headers] | None = None
        """Staged: it goes with the first piece."""
        self._framing = _NOTHING
        self._unsent = 0
        self._callbacks: list[Callable[[], None]] | None = None
        self._drained: asyncio.Future[None] | None = None
        self.request: Fed | None = None
        """What the connection feeds with what comes after the head."""
        self.gone = self.started = self.swept = self.stopping = self.ended = False
        self.keep = keep
        """Another call may follow on the connection."""
        self.sending_since = 0.0
        self.task: asyncio.Task[None] | None = None

    def body_of(self, seen: Canonical) -> Http1Body:
        """The body that this head announces; the connection feeds it."""
        body = self.request = Http1Body(self._line, seen, self.limits)
        return body

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

    async def switch(self, headers: Headers) -> None:
        """101: from here on the bytes are another protocol's."""
        self.keep = True
        await self.head(101, headers)
        await self.body(b"")
        self.keep = False

    async def raw(self, content: bytes) -> None:
        """Bytes of that protocol; waits while the client is slow."""
        self._send(content)
        if self._line.paused:
            await self._drain()

    def answer(self, content: bytes) -> None:
        """Bytes that nobody waits for: dropped while the client is slow."""
        if not self._line.paused:
            self._send(content)

    def finish(self, content: bytes) -> None:
        """The last bytes of that protocol."""
        self._send(content)
        self.ended = True

    def read_on(self, *, wanted: bool) -> None:
        """Read the client, or leave its bytes in the network."""
        self._line.read_on(wanted=wanted)

    def _begin(self, whole: bytes | None) -> bytes:
        """The head as bytes; `whole` when it is all that there will be. Raises Refusal internal."""
        assert self._head is not None
        status, headers = self._head
        parts = [_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        length, dated = _UNTIL_END, False
        for name, value in headers:
            if name not in _SPECIAL:
                parts += (name, b": ", value, b"\r\n")
            elif name == b"content-length":
                length = int(value)
            elif name == b"date":
                dated = True
                parts += (name, b": ", value, b"\r\n")
            elif name == b"connection" and value == b"close":
                self.keep = False
        fields = b"".join(parts)
        if len(fields) - len(fields.translate(None, _BREAKS)) != len(parts) // 4 * 2 + 2:  # two for each line
            raise Refusal("internal", reason="a field of the answer would change its syntax")
        head = fields + (b"" if dated else self._line.date()) + self._frame(status, length, whole)
        self._head = None
        self.started = True
        return head

    def _frame(self, status: int, length: int, whole: bytes | None) -> bytes:
        """Decide how the message ends, and say so."""
        if status == 101:
            return b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
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
        self._unsent = self._line.unsent()
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
            request.break_off(Gone())
        elif self.task is not None:
            self.task.cancel()
        if request is not None:
            request.break_off(Gone())

    def on_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client leaves, instead of cancelling the exchange."""
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def let_go(self) -> None:
        """The exchange is over, though something may still refer to it."""
        if self.request is not None:
            self.request.break_off(Gone())

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
        if request is not None and request.waiting_since and now - request.waiting_since > self.limits.body_idle:
            request.break_off(Refusal("body_timeout", "The body did not arrive in time."))
        elif self.sending_since:
            self._check_taken(now)

    def _check_taken(self, now: float) -> None:
        unsent = self._line.unsent()
        if unsent < self._unsent:
            self.sending_since = now
        elif now - self.sending_since > self.limits.write_idle:
            self._line.cut(queued=False)
            self.lost()
        self._unsent = unsent
