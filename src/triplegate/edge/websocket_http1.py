"""A client's WebSocket on a connection of the in-loop transport: strict frames, each way slowed by the other."""

import asyncio
from collections import deque
from collections.abc import Callable

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, Message
from triplegate.edge.http1_wire import Http1Wire
from triplegate.edge.websocket import WebSocketLine
from triplegate.wire.websocket import BINARY, PING, PONG, TEXT, Broken, Close, Control, Reader, accept_of
from triplegate.wire.websocket import close_frame as closing
from triplegate.wire.websocket import frame as framed

_AHEAD = 64 * 1024
"""Bytes of messages that may wait to be taken; then the client is not read any further."""


class Http1Line(WebSocketLine):
    """What the connection feeds once the upgrade is answered by 101; before that, what the client sends ahead waits."""

    __slots__ = (
        "_ahead",
        "_broken",
        "_finished",
        "_held",
        "_key",
        "_messages",
        "_reader",
        "_waiter",
        "_wire",
        "done",
        "waiting_since",
    )

    def __init__(self, exchange: Exchange, wire: Http1Wire, ahead: Callable[[], bytes]) -> None:
        """`ahead` gives what the client has sent since its request."""
        super().__init__(exchange, wire.limits.write_idle)
        self._wire, self._ahead = wire, ahead
        self._key = exchange.inbound.header(b"sec-websocket-key") or b""
        self._reader = Reader(wire.limits.body, masked=True)
        self._messages: deque[Message] = deque()
        self._held = 0
        self._finished = False
        """The client has said its close."""
        self._broken: Broken | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.done, self.waiting_since = False, 0.0
        wire.keep = False
        wire.on_gone(self._lost)

    # what the connection tells -------------------------------------------------------------------------------
    def feed(self, content: bytes) -> bytes:
        """Read frames; pings are answered here, unless the client takes nothing. Nothing comes back."""
        if self._finished or self._broken is not None:
            return b""
        try:
            events = self._reader.feed(content)
        except Broken as error:
            events = error.events
            self._broken = error
        for event in events:
            if isinstance(event, Message):
                self._messages.append(event)
                self._held += len(event.data) + 64
            elif isinstance(event, Close):
                self.ended = (event.code, event.reason)
                self._finished = True
            elif isinstance(event, Control) and event.opcode == PING and not self.closed:
                self._wire.answer(framed(PONG, event.payload))
        if self._held > _AHEAD:
            self._wire.read_on(wanted=False)
        self._wake()
        return b""

    def break_off(self, error: Exception) -> None:
        """Bodies are told so; a channel hears of it by `on_gone`."""

    def _lost(self) -> None:
        self.gone = True
        if self.accepted:
            self._wake()
        else:
            self.leave()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # what a protocol does ------------------------------------------------------------------------------------
    async def _open(self, headers: Headers) -> None:
        wire = self._wire
        await wire.switch([*headers, (b"sec-websocket-accept", accept_of(self._key))])
        wire.request = self
        self.feed(self._ahead())

    async def _receive(self) -> Message | None:
        while not self._messages:
            if self._finished:
                return None
            if self._broken is not None:
                code = "message_too_large" if self._broken.code == 1009 else "malformed_request"
                raise Refusal(code, self._broken.reason)
            if self.gone or self.closed:
                raise Gone
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        self._held -= len(message.data) + 64
        if self._held <= _AHEAD:
            self._wire.read_on(wanted=True)
        return message

    async def _send(self, message: Message) -> None:
        await self._wire.raw(framed(TEXT if message.text else BINARY, message.data))
        if self.gone:
            raise Gone

    async def _end(self, code: int, reason: str, trailers: Headers) -> None:
        """Our close, or the answer to the client's; it has a moment to say its own and leave."""
        said, why = self.ended if self._finished else (code, reason)
        self._wire.finish(closing(said, why))
        self._wake()

    async def refuse(self, status: int, headers: Headers, content: bytes) -> None:
        """The answer instead of 101; the connection ends with it, and whatever the client sent ahead (P-22)."""
        await self._wire.head(status, headers)
        await self._wire.end(content)

    def abort(self) -> None:
        """Cut, without a close frame."""
        self._wire.abort()

    def code_of(self, refusal: Refusal) -> int:
        """What the client did wrong has a code of its own."""
        return self._broken.code if self._broken is not None else super().code_of(refusal)
