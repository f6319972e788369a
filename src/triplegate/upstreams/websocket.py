"""The gateway's end of an upstream's WebSocket: a checked handshake, then whole messages both ways (RFC 6455)."""

import asyncio
import base64
import secrets
from collections import deque

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, Headers, Message, Reply
from triplegate.core.policy import Dispatch
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.tunnel import Tunnel
from triplegate.wire.websocket import (
    BINARY,
    PING,
    PONG,
    TEXT,
    Broken,
    Close,
    Event,
    Reader,
    accept_of,
    close_frame,
    frame,
)

_GOODBYE = 1.0
"""Seconds that the upstream has to answer a close frame; then the connection is cut."""
_GRAIN = 0.005
"""Seconds: a timer of the loop may come a little early."""
_OFFERED = b"sec-websocket-protocol"
_OURS = frozenset(
    {b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-accept", b"sec-websocket-extensions"}
)
"""Fields of one hop's handshake: the client's stay with the client, no extension is offered."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """What one channel may do; times in seconds."""

    most: int = 1 << 20
    """Bytes of a message, either way."""
    idle: float = 300.0
    """Longest time without a message either way."""
    ping: float = 30.0
    """Silence after which the upstream is pinged, and has as long again to answer; 0: never."""
    stuck: float = 60.0
    """Longest time for which the upstream may take nothing."""


async def open_websocket(
    pool: Pool, target: bytes, headers: Headers, dispatch: Dispatch, bounds: Bounds, deadline: float | None
) -> Reply:
    """Ask for a WebSocket; a reply of status 101 has a `Socket` for its frames, any other is the upstream's answer.

    `headers` are as for `Pool.send`; the offered subprotocols among them are passed on, the rest of the handshake is
    made here. Raises Refusal upstream_*.
    """
    key = base64.b64encode(secrets.token_bytes(16))
    kept = [line for line in headers if line[0] not in _OURS]
    kept += ((b"sec-websocket-version", b"13"), (b"sec-websocket-key", key))
    reply = await pool.upgrade(target, kept, dispatch, deadline=deadline)
    if reply.status != 101:
        return reply
    wrong = _fault(reply.headers, key, kept)
    if wrong:
        reply.frames.close()
        raise Refusal("upstream_malformed", "The upstream's handshake is not valid.", reason=wrong)
    reply.headers = [line for line in reply.headers if line[0] not in _OURS]
    assert isinstance(reply.frames, Tunnel)
    reply.frames = Socket(reply.frames, bounds)
    return reply


def _fault(answered: Headers, key: bytes, asked: Headers) -> str:
    """What is wrong with a handshake's answer (RFC 6455 §4.1); empty for nothing."""
    fields: dict[bytes, list[bytes]] = {}
    for name, value in answered:
        fields.setdefault(name, []).append(value)
    if [value.lower() for value in fields.get(b"upgrade", ())] != [b"websocket"]:
        return "101 to another protocol"
    if fields.get(b"sec-websocket-accept") != [accept_of(key)]:
        return "Sec-WebSocket-Accept is missing or wrong"
    if fields.get(b"sec-websocket-extensions", [b""]) != [b""]:
        return "an extension that was not offered"
    chosen = fields.get(_OFFERED, [])
    offered = [word.strip() for name, value in asked if name == _OFFERED for word in value.split(b",")]
    if len(chosen) > 1 or (chosen and chosen[0] not in offered):
        return "a subprotocol that was not offered"
    return ""


class Socket(Frames):
    """Messages over a tunnel. One task receives, another may send; timers keep silence within bounds."""

    __slots__ = (
        "_bounds",
        "_cut",
        "_heard",
        "_loop",
        "_messages",
        "_pinged",
        "_reader",
        "_timer",
        "_tunnel",
        "_used",
        "done",
        "failure",
        "last",
    )

    def __init__(self, tunnel: Tunnel, bounds: Bounds) -> None:
        self._tunnel, self._bounds = tunnel, bounds
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(bounds.most, masked=False)
        self._messages: deque[Message] = deque()
        self._heard = self._used = self._loop.time()
        """When the upstream last said anything; when the last message went either way."""
        self._pinged = False
        self._cut: asyncio.TimerHandle | None = None
        self.last: Close | None = None
        """The first close of either side."""
        self.failure: Refusal | None = None
        """Why it was ended before it was closed."""
        self.done = False
        self._timer: asyncio.TimerHandle | None = None
        self._tick()

    async def __anext__(self) -> Message:
        """The next message; the close ends the iteration."""
        message = await self.receive()
        if message is None:
            raise StopAsyncIteration
        return message

    async def receive(self) -> Message | None:
        """The upstream's next message; None once it is closed, `last` says how. Raises Refusal."""
        while not self._messages:
            if self.done:
                if self.failure is not None:
                    raise self.failure
                return None
            content = await self._tunnel.read()
            self._heard = self._loop.time()
            self._pinged = False
            if content:
                self._feed(content)
            else:
                self.done = True
                if self.last is None and self.failure is None:
                    self.failure = Refusal("upstream_reset", "The upstream left without a word.")
        self._used = self._heard
        return self._messages.popleft()

    async def send(self, message: Message) -> None:
        """One message to the upstream; waits while it is slow. Dropped once it is closed. Raises Refusal."""
        if self.last is not None or self.failure is not None:
            return
        if len(message.data) > self._bounds.most:
            raise self._too_large()
        self._used = self._loop.time()
        tunnel = self._tunnel
        tunnel.write(frame(TEXT if message.text else BINARY, message.data, secrets.token_bytes(4)))
        if tunnel.stuck:
            try:
                async with asyncio.timeout(self._bounds.stuck):
                    await tunnel.drain()
            except TimeoutError:
                raise Refusal("upstream_timeout", "The upstream takes nothing.", reason="write") from None

    def end(self, code: int, reason: str) -> None:
        """Say goodbye; `receive` ends when the upstream has answered, or a moment later."""
        if self.last is None and self.failure is None and not self.done:
            self.last = Close(code, reason)
            self._say_close(code, reason)

    def fail(self, refusal: Refusal, code: int) -> None:
        """End it because of a failure: `receive` raises it."""
        if self.failure is None:
            self.failure = refusal
            if self.last is None:
                self._say_close(code, refusal.detail)

    def abort(self) -> None:
        """Cut it: the upstream hears nothing more."""
        self.done = True
        self._stop()
        self._tunnel.abort()

    def close(self) -> None:
        """Let go of the connection; synchronous and idempotent."""
        self.done = True
        self._stop()
        self._tunnel.close()

    # the steps of the above ----------------------------------------------------------------------------------
    def _feed(self, content: bytes) -> None:
        try:
            self._take(self._reader.feed(content))
        except Broken as error:
            self._take(error.events)
            refusal = Refusal("upstream_malformed", "The upstream broke the protocol.", reason=error.reason)
            self.fail(self._too_large() if error.code == 1009 else refusal, error.code)
            self.done = True

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Message):
                if self.last is None:
                    self._messages.append(event)
            elif isinstance(event, Close):
                self._closed(event)
            elif event.opcode == PING and not self._tunnel.stuck:
                self._tunnel.write(frame(PONG, event.payload, secrets.token_bytes(4)))

    def _closed(self, close: Close) -> None:
        """The upstream's close: answered when it came first; either way nothing follows."""
        if self.last is None:
            self.last = close
            self._tunnel.write(close_frame(close.code, "", secrets.token_bytes(4)))
        self.done = True

    def _too_large(self) -> Refusal:
        return Refusal("message_too_large", f"A message may have at most {self._bounds.most} bytes.")

    def _say_close(self, code: int, reason: str) -> None:
        self._tunnel.write(close_frame(code, reason, secrets.token_bytes(4)))
        self._cut = self._loop.call_later(_GOODBYE, self._tunnel.abort)

    def _tick(self) -> None:
        """Look after silence: ping, give up, or say goodbye; then sleep until the next of them could be due."""
        bounds, now = self._bounds, self._loop.time()
        if now >= self._used + bounds.idle:
            self.end(1001, f"no message for {bounds.idle:g} s")
            return
        due = self._used + bounds.idle
        if bounds.ping:
            if now >= self._heard + (2 if self._pinged else 1) * bounds.ping:
                if self._pinged:
                    self.fail(Refusal("upstream_timeout", "The upstream is silent.", reason="no pong"), 1001)
                    return
                self._pinged = True
                self._tunnel.write(frame(PING, b"", secrets.token_bytes(4)))
            due = min(due, self._heard + (2 if self._pinged else 1) * bounds.ping)
        self._timer = self._loop.call_at(due + _GRAIN, self._tick)

    def _stop(self) -> None:
        for timer in (self._timer, self._cut):
            if timer is not None:
                timer.cancel()
        self._timer = self._cut = None
