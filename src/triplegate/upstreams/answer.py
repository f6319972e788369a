"""The reply to one request as it comes off a connection; it outlives the connection's part in it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from triplegate.core.http import Frames, Headers
from triplegate.upstreams.deadlines import NEVER

Informational = Callable[[int, Headers], None]
"""Called with each 1xx but 101, so that it can be relayed."""


class Source(Protocol):
    """The connection, as its answer sees it."""

    loop: asyncio.AbstractEventLoop
    uploading: bool

    def arm(self, seconds: float, phase: str) -> None:
        """Bound the wait that begins now."""
        ...

    def resume(self) -> None:
        """The buffer was emptied: read on."""
        ...

    def abandon(self) -> None:
        """Nobody wants the rest: abort at once."""
        ...


class Answer(Frames):
    """Frames of one reply. One object a request, so that a late `close()` can never touch a connection's next user."""

    __slots__ = (
        "buffer",
        "complete",
        "connection",
        "error",
        "headers",
        "idle",
        "informational",
        "on_informational",
        "silent",
        "status",
        "trailers",
        "until",
        "waiter",
    )

    def __init__(self, connection: Source, idle: float, on_informational: Informational | None) -> None:
        self.connection: Source | None = connection
        self.idle = idle
        self.on_informational = on_informational
        self.until = 0.0
        """How long it may go on after its total time, when it is a stream of events; monotonic seconds."""
        self.silent = 0.0
        """Until when it may say nothing, where its silence is waited for in pieces; the loop's time."""
        self.status = 0
        self.informational = 0
        """The last 1xx seen."""
        self.headers: Headers = []
        self.trailers: Headers = []
        self.buffer: list[bytes] = []
        self.waiter: asyncio.Future[None] | None = None
        self.error: BaseException | None = None
        self.complete = False
        self.done = False

    @property
    def ready(self) -> bool:
        """Whether the next frame can be had without waiting."""
        return bool(self.buffer) or self.complete or self.error is not None

    async def head(self, first_byte: float | None) -> None:
        """Wait until the final head is here; `first_byte` None: whoever still sends the body keeps the time.

        Raises Refusal upstream_*, or what ended the request body.
        """
        while not self.status:
            if self.error is not None:
                raise self.error
            await self._wait(first_byte, "first byte")
        if self.complete and not self.buffer:
            self.done = True

    def bear(self, silence: float) -> None:
        """Its silence is not its fault for so long."""
        self.idle = max(self.idle, silence)

    async def turn(self) -> None:
        """Wait until something has changed."""
        if self.connection is not None:
            await self._wait(None, "first byte")

    def at_once(self) -> bytes | None:
        """All of it, once it is complete."""
        if not self.complete:
            return None
        buffer = self.buffer
        frame = buffer[0] if len(buffer) == 1 else b"".join(buffer)
        buffer.clear()
        self.done = True
        return frame

    async def __anext__(self) -> bytes:
        """All that has come since the last frame, in one piece."""
        buffer = self.buffer
        while not buffer:
            if self.complete:
                self.done = True
                raise StopAsyncIteration
            if self.error is not None:
                raise self.error
            if self.connection is None:
                raise StopAsyncIteration  # closed by us
            await self._wait(None if self.connection.uploading else self.idle, "idle")
        frame = buffer[0] if len(buffer) == 1 else b"".join(buffer)
        buffer.clear()
        if self.complete:
            self.done = True
        elif self.connection is not None:
            self.connection.resume()
        return frame

    async def _wait(self, seconds: float | None, phase: str) -> None:
        connection = self.connection
        assert connection is not None
        self.waiter = waiter = connection.loop.create_future()
        if seconds is not None:
            connection.arm(seconds, phase)
        try:
            await waiter
        finally:
            self.waiter = None
            if self.connection is not None:
                connection.arm(NEVER, phase)

    async def comes(self, within: float) -> bool:
        """Whether the next frame, or an end, is here in time; however often one asks, `idle` bounds the silence."""
        due = 0.0
        while not self.ready and (connection := self.connection) is not None:
            loop = connection.loop
            now = loop.time()
            due = due or now + within
            self.silent = self.silent or now + self.idle
            if now >= due:
                return False
            timer = loop.call_later(due - now, self.wake)
            try:
                await self._wait(None if connection.uploading else max(0.0, self.silent - now), "idle")
            finally:
                timer.cancel()
        self.silent = 0.0
        return True

    def wake(self) -> None:
        """Something has changed; called by the connection."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def close(self) -> None:
        """Synchronous and idempotent; an answer that is not complete aborts its connection at once."""
        connection = self.connection
        if connection is not None:
            self.connection = None
            connection.abandon()
        self.buffer.clear()
