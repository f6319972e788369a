"""A reply that is fed message by message by whoever reads the far end: within times, and a bound on what waits."""

import asyncio
import time
from collections.abc import Callable
from math import inf

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.upstreams import failures

FULL = 1 << 20
"""Bytes waiting for a slow client above which `full` is true."""


class Coming(Frames):
    """The head first, then pieces; `close` tells whoever feeds it that nobody waits any more."""

    __slots__ = (
        "_buffer",
        "_complete",
        "_error",
        "_label",
        "_on_close",
        "_on_room",
        "_silent",
        "_size",
        "_until",
        "_waiter",
        "done",
        "headers",
        "idle",
        "status",
    )

    def __init__(self, label: str, on_close: Callable[[], None], on_room: Callable[[], None] | None = None) -> None:
        """`on_close`: it was given up before its end; `on_room`: what waited was taken."""
        self._label = label
        self._on_close: Callable[[], None] | None = on_close
        self._on_room = on_room
        self.status = 0
        self.headers: Headers = []
        self._buffer: list[bytes] = []
        self._size = 0
        self._complete = False
        self._error: Refusal | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._until = inf
        self._silent = 0.0
        self.idle = inf
        """Seconds between two pieces."""
        self.done = False

    # whoever feeds it --------------------------------------------------------------------------------------------
    def begin(self, status: int, headers: Headers) -> None:
        """The head is here."""
        self.status, self.headers = status, headers
        self._wake()

    def put(self, piece: bytes) -> None:
        """More of the body."""
        self._buffer.append(piece)
        self._size += len(piece)
        self._wake()

    def end(self, error: Refusal | None = None) -> None:
        """All is here, or no more will come because of `error`."""
        self._complete, self._error, self._on_close = error is None, error, None
        self._wake()

    @property
    def full(self) -> bool:
        """Whether so much waits that what can be left out should be."""
        return self._size > FULL

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # whoever reads it --------------------------------------------------------------------------------------------
    async def reply(self, dispatch: Dispatch, deadline: float | None, *, patient: bool = False) -> Reply:
        """The reply, once its head is here; `patient`: its silence is no failure. Raises Refusal upstream_*."""
        now = time.monotonic()
        total = now + (dispatch.total if dispatch.attempt is None else dispatch.attempt)
        total = total if deadline is None else min(total, deadline)
        try:
            while not self.status:
                if self._error is not None:
                    raise self._error
                await self._wait(*_sooner(dispatch.first_byte, "first byte", total))
        except BaseException:
            self.close()
            raise
        events = (b"content-type", b"text/event-stream") in self.headers
        self._until = max(total, total - dispatch.total + dispatch.stream) if events else total
        self.idle = inf if patient else dispatch.idle
        self.done = self._complete and not self._buffer
        return Reply(self.status, self.headers, self)

    @property
    def ready(self) -> bool:
        """Whether the next piece can be had without waiting."""
        return bool(self._buffer) or self._complete or self._error is not None

    async def __anext__(self) -> bytes:
        """All that has come since the last piece."""
        while not self._buffer:
            if self._complete:
                self.done = True
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            await self._wait(*_sooner(self.idle, "idle", self._until))
        piece = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        self._buffer.clear()
        self._size = 0
        self.done = self._complete
        if self._on_room is not None:
            self._on_room()
        return piece

    async def comes(self, within: float) -> bool:
        """Whether the next piece, or an end, is here in time; however often one asks, `idle` bounds the silence."""
        now = time.monotonic()
        self._silent = self._silent or now + self.idle
        due = now + within
        while not self.ready:
            now = time.monotonic()
            if now >= due:
                return False
            await self._wait(*_sooner(max(0.0, self._silent - now), "idle", self._until), within=due - now)
        self._silent = 0.0
        return True

    async def _wait(self, seconds: float, phase: str, within: float = inf) -> None:
        """Until something has changed, but for `within` seconds at most; after `seconds` it has failed."""
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        timer = None
        if min(seconds, within) < inf:
            late = self._wake if within < seconds else lambda: self._lapse(phase)
            timer = loop.call_later(max(0.0, min(seconds, within)), late)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _lapse(self, phase: str) -> None:
        if self._error is None and not self._complete:
            self._error = failures.timed_out(self._label, phase)
            self._wake()

    def close(self) -> None:
        """Nobody waits any more."""
        told, self._on_close = self._on_close, None
        self._buffer.clear()
        self._size = 0
        if told is not None:
            self._error = self._error or failures.reset(self._label, "given up")
            told()


def _sooner(seconds: float, phase: str, total: float) -> tuple[float, str]:
    left = total - time.monotonic()
    return (seconds, phase) if seconds <= left else (left, "total")
