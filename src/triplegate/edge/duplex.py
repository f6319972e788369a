"""The one life of a duplex exchange, WebSocket and gRPC alike: open, answer, accept, run, close."""

import asyncio
from abc import abstractmethod
from typing import ClassVar

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Channel, Duplex, Headers, Message, Reply
from triplegate.core.record import Outcome
from triplegate.edge.live import Live
from triplegate.edge.pump import head_fields, outcome_of, uncancel
from triplegate.edge.serve import Answer, as_refusal

_GATHER = 1_048_576  # an answer instead of an open channel is sent whole: no more of it than this


class Line(Channel):
    """The client's end of a duplex exchange as the edge keeps it: counted, tapped, and told when it must end.

    A protocol's own line has `_open`, `_receive`, `_send`, `_end`, `refuse`, `abort`, and says what its codes mean.
    """

    __slots__ = ("_task", "accepted", "closed", "exchange", "gone", "sending_since", "swept", "verdict", "write_idle")
    normal: ClassVar[int]
    """The code of a clean end."""
    departs: ClassVar[bool] = False
    """Is told to leave when the drain begins, instead of at the end of its grace."""

    def __init__(self, exchange: Exchange, write_idle: float = 60.0) -> None:
        self.exchange = exchange
        self.write_idle = write_idle
        self.gone = self.accepted = self.closed = self.swept = False
        self.verdict: Refusal | None = None
        """Why it is ended from outside: the drain, or access that was taken away."""
        self.sending_since = 0.0
        self._task = asyncio.current_task()

    # what a protocol does ------------------------------------------------------------------------------------
    @abstractmethod
    async def _open(self, headers: Headers) -> None:
        """Tell the client that it is open."""

    @abstractmethod
    async def _receive(self) -> Message | None:
        """The client's next message; None at the end of its side. Raises Gone when it left."""

    @abstractmethod
    async def _send(self, message: Message) -> None:
        """One message to the client; waits while it is slow. Raises Gone when it left."""

    @abstractmethod
    async def _end(self, code: int, reason: str, trailers: Headers) -> None:
        """End it; never raises but for cancellation."""

    @abstractmethod
    async def refuse(self, status: int, headers: Headers, content: bytes) -> None:
        """Answer instead of opening."""

    @abstractmethod
    def abort(self) -> None:
        """Nothing more is sent: visibly cut, never a clean end."""

    @abstractmethod
    def code_of(self, refusal: Refusal) -> int:
        """The code that tells of a refusal once it is open."""

    @abstractmethod
    def outcome_of(self, code: int) -> Outcome:
        """What an end with this code is in the record."""

    # what a gate calls ---------------------------------------------------------------------------------------
    async def accept(self, headers: Headers) -> None:
        """Open it, with the reply's head."""
        self.accepted = True
        await self._open(headers)

    async def receive(self) -> Message | None:
        """The client's next message, as the exchange's taps leave it; None at the end of its side."""
        while True:
            try:
                message = await self._receive()
            except Gone:
                self.gone = True
                raise
            if message is None:
                return None
            self.exchange.numbers.bytes_in += len(message.data)
            kept = message if not self.exchange.on_message else self._tapped(message, "in")
            if kept is not None:
                return kept

    async def send(self, message: Message) -> None:
        """One message to the client, as the exchange's taps leave it; waits while it is slow."""
        kept = message if not self.exchange.on_message else self._tapped(message, "out")
        if kept is None:
            return
        self.exchange.numbers.bytes_out += len(kept.data)
        self.sending_since = asyncio.get_running_loop().time()
        await self._send(kept)
        self.sending_since = 0.0

    def _tapped(self, message: Message, direction: str) -> Message | None:
        kept: Message | None = message
        for tap in self.exchange.on_message:
            if kept is None:
                break
            kept = tap(kept, direction)
        return kept

    async def close(self, code: int, reason: str = "", trailers: Headers = []) -> None:  # noqa: B006 - never changed
        """End it; the exchange is closed before the client can know."""
        if self.closed:
            return
        self.closed = True
        self.exchange.close(self.outcome_of(code))
        await self._end(code, reason, trailers)

    async def fail(self, refusal: Refusal) -> None:
        """End it in-band, because of `refusal`."""
        if self.closed:
            return
        self.closed = True
        lost = self.verdict is not None and refusal.code != "draining"
        self.exchange.close("refused" if lost or refusal.status == 429 else "failed")
        await self._end(self.code_of(refusal), refusal.detail, list(refusal.headers))

    # what the sweep and the drain call -----------------------------------------------------------------------
    def watch(self) -> None:
        """An open line hears of the client's leaving by itself."""

    def check_stall(self, now: float) -> None:
        """A client that takes nothing for too long is gone."""
        if self.sending_since and now - self.sending_since > self.write_idle:
            self.leave()

    def leave(self) -> None:
        """The client is gone: end what is done for it."""
        self.sending_since = 0.0
        self.gone = True
        if self._task is not None:
            self._task.cancel()

    def stop(self) -> None:
        """End it in-band, because the process ends; the second time at once."""
        if self.verdict is not None and self._task is not None:
            self._task.cancel()
        self.dismiss(Refusal("draining", "The gateway is shutting down.", retry_after=1.0))

    def dismiss(self, refusal: Refusal) -> None:
        """End it in-band, because of `refusal`; the first reason counts."""
        if self.verdict is None and not self.closed:
            self.verdict = refusal
            if self._task is not None:
                self._task.cancel()


async def carry(line: Line, answer: Answer, live: Live, most: int) -> None:
    """Carry one duplex exchange from its open to its close; every way out of here closes it exactly once."""
    exchange = line.exchange
    if exchange.refusal is None:
        exchange.refusal = live.refusal(most)
    live.enter(line, exchange)
    try:
        await _live(exchange, line, answer)
    finally:
        exchange.close("failed")
        live.exit(line)


async def _live(exchange: Exchange, line: Line, answer: Answer) -> None:
    try:
        reply = await answer(exchange.gate, exchange)
        await _relay(exchange, reply, line)
    except Gone:
        exchange.close("gone")
        line.abort()
    except asyncio.CancelledError:
        if line.verdict is None or line.gone:
            exchange.close("gone" if line.gone else "failed")
            line.abort()
            raise
        uncancel()
        await _fail(exchange, line, line.verdict)
    except Exception as error:  # noqa: BLE001 - the text of an unknown failure is for the log only
        await _fail(exchange, line, as_refusal(error))


async def _relay(exchange: Exchange, reply: Reply, line: Line) -> None:
    try:
        if not isinstance(reply, Duplex):
            await _refuse(exchange, reply, line)
            return
        exchange.numbers.streamed = True
        await line.accept(_head(exchange, reply))
        await reply.run(line)
        await line.close(line.normal)
    finally:
        reply.frames.close()


async def _fail(exchange: Exchange, line: Line, refusal: Refusal) -> None:
    """Before it is open a proper answer, after that a code."""
    exchange.refusal = exchange.refusal or refusal
    try:
        if line.accepted:
            await line.fail(refusal)
        else:
            await _refuse(exchange, exchange.gate.refuse(exchange, refusal), line)
    except Gone:
        exchange.close("gone")
        line.abort()


async def _refuse(exchange: Exchange, reply: Reply, line: Line) -> None:
    """The gate's own answer, or the upstream's: whole, since the channel was never opened."""
    parts: list[bytes] = []
    size = 0
    async for frame in reply.frames:
        parts.append(frame)
        size += len(frame)
        if size > _GATHER:
            raise Refusal("upstream_malformed", "The upstream's answer to the handshake is too large.")
    line.closed = True
    headers = _head(exchange, reply)
    exchange.numbers.bytes_out += size
    exchange.close(outcome_of(exchange, reply))
    await line.refuse(reply.status, headers, b"".join(parts))


def _head(exchange: Exchange, reply: Reply) -> Headers:
    numbers = exchange.numbers
    numbers.first_byte = exchange.house.clock.now()
    numbers.status = reply.status
    return head_fields(exchange, reply)
