"""What a connection becomes after 101: a raw duplex stream with backpressure both ways (RFC 9110 §7.8)."""

import asyncio
from typing import Protocol

from triplegate.core.http import Frames

HIGH_MARK = 64 * 1024


class Base(Protocol):
    """The connection that the tunnel came from; it keeps the pool's count right."""

    loop: asyncio.AbstractEventLoop

    def abort(self) -> None:
        """Drop the socket."""
        ...


class Tunnel(asyncio.Protocol, Frames):
    """`read`, `write`, `drain`, `close`; as frames it yields what `read` returns."""

    __slots__ = ("_base", "_buffer", "_drainer", "_ended", "_paused", "_reader", "_transport", "_write_paused")

    def __init__(self, transport: asyncio.Transport, base: Base, early: bytes) -> None:
        self._transport = transport
        self._base = base
        self._buffer = bytearray(early)
        self._reader: asyncio.Future[None] | None = None
        self._drainer: asyncio.Future[None] | None = None
        self._paused = self._write_paused = self._ended = False
        self.done = False

    async def read(self) -> bytes:
        """What has come, at least one byte; empty at the end of the stream."""
        if not self._buffer and not self._ended:
            self._reader = self._base.loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        content = bytes(self._buffer)
        self._buffer.clear()
        if self._paused and not self._ended:
            self._paused = False
            self._transport.resume_reading()
        return content

    async def __anext__(self) -> bytes:
        """As `read`; the end ends the iteration."""
        content = await self.read()
        if not content:
            self.done = True
            raise StopAsyncIteration
        return content

    def write(self, content: bytes) -> None:
        """Send; call `drain` before the next one when there may be much."""
        if not self._ended:
            self._transport.write(content)

    @property
    def stuck(self) -> bool:
        """Whether the other end takes nothing: `drain` would wait."""
        return self._write_paused and not self._ended

    async def drain(self) -> None:
        """Wait while the other end does not read; the caller bounds the wait."""
        if self.stuck:
            self._drainer = self._base.loop.create_future()
            try:
                await self._drainer
            finally:
                self._drainer = None

    def close(self) -> None:
        """Send what was written, then close; synchronous and idempotent. A stuck peer is cut instead."""
        if self._ended:
            return
        if self._write_paused:
            self._base.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Cut it at once, whatever was written."""
        if not self._ended:
            self._base.abort()

    # the transport's side ------------------------------------------------------------------------------------
    def received(self, data: bytes) -> None:
        """Keep it; stop reading when too much is unread."""
        self._buffer += data
        if len(self._buffer) > HIGH_MARK and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    data_received = received  # the name the transport knows

    def eof_received(self) -> None:
        """The other end is done; `connection_lost` follows."""

    def pause_writing(self) -> None:
        """The other end does not read."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The other end reads again."""
        self._write_paused = False
        _wake(self._drainer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is over."""
        if not self._ended:
            self._ended = True
            self._base.abort()
            _wake(self._reader)
            _wake(self._drainer)


def _wake(future: "asyncio.Future[None] | None") -> None:
    if future is not None and not future.done():
        future.set_result(None)
