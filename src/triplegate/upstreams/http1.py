"""One HTTP/1.1 connection to an upstream: asyncio protocol, strict llhttp parser, backpressure both ways (RFC 9112)."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from triplegate.upstreams import failures
from triplegate.upstreams.answer import Answer, Informational
from triplegate.upstreams.deadlines import NEVER, Deadlines
from triplegate.upstreams.head import Malformed
from triplegate.upstreams.reading import ReplyReader
from triplegate.upstreams.tunnel import Tunnel
from triplegate.wire.headers import is_event_stream

HIGH_MARK = 64 * 1024
"""Unread bytes of a reply at which reading stops until they are taken."""


class Owner(Protocol):
    """The pool, as its connections see it."""

    deadlines: Deadlines
    name: str

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def release(self, connection: "Connection") -> None:
        """It can serve another request."""
        ...

    def forget(self, connection: "Connection") -> None:
        """It is gone, or about to be."""
        ...


class Connection(ReplyReader, asyncio.Protocol):
    """Sends one request at a time and fills its Answer; goes back to its owner by itself when that is complete."""

    __slots__ = (
        "_drainer",
        "_paused",
        "_phase",
        "_write_paused",
        "address",
        "born",
        "cancel_upload",
        "gone",
        "kept",
        "leaving",
        "loop",
        "owner",
        "read_by",
        "tls",
        "total",
        "transport",
        "tunnel",
        "uploading",
        "write_by",
    )

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.owner = owner
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.tunnel: Tunnel | None = None
        self.gone = False
        self.kept = False
        """It has been idle or handed over: it may be stale (P-18)."""
        self.leaving = False
        """It takes no more requests after this one: its address, its certificate or its time is over."""
        self.address = ""
        """Whom it is connected to."""
        self.tls: ssl.SSLContext | None = None
        """What it was made with."""
        self.born = 0.0
        """When it was made; monotonic seconds."""
        self.uploading = False
        """The request body is not all sent."""
        self.cancel_upload: Callable[[], None] | None = None
        """Stops the task that sends the rest of the request body."""
        self.read_by = self.write_by = self.total = NEVER
        self._phase = "idle"
        self._drainer: asyncio.Future[None] | None = None
        self._paused = self._write_paused = False

    # our side ------------------------------------------------------------------------------------------------
    def ask(
        self,
        message: bytes,
        *,
        idle: float,
        total: float = NEVER,
        head_only: bool = False,
        on_informational: Informational | None = None,
        uploading: bool = False,
        upgradable: bool = False,
    ) -> Answer:
        """Send the head (and the body, if it is here); the answer's frames come as they come."""
        transport = self.transport
        assert transport is not None
        answer = Answer(self, idle, on_informational)
        self.expect(answer, head_only=head_only, upgradable=upgradable)
        self.total = total
        self.uploading = uploading
        if uploading:
            self.arm(NEVER, "total")
        transport.write(message)
        return answer

    def write(self, content: bytes) -> None:
        """One more piece of the request body, framed by the caller."""
        if not self.gone and self.transport is not None:
            self.transport.write(content)

    async def drain(self, seconds: float) -> None:
        """Wait while the upstream does not read; the wait is bounded by `seconds`."""
        if not self._write_paused or self.gone:
            return
        self._drainer = drainer = self.loop.create_future()
        self.write_by = self.owner.now() + seconds
        self.owner.deadlines.pull(self.write_by)
        try:
            await drainer
        finally:
            self._drainer = None
            self.write_by = NEVER

    def uploaded(self) -> None:
        """The request body is all sent."""
        self.uploading = False
        self.cancel_upload = None

    def arm(self, seconds: float, phase: str) -> None:
        """Bound the wait for the upstream that begins now; `NEVER`: only the total deadline holds."""
        self._phase = phase
        due = self.total if seconds == NEVER else min(self.owner.now() + seconds, self.total)
        self.read_by = due
        if due < self.owner.deadlines.soonest:
            self.owner.deadlines.pull(due)

    def check(self, now: float) -> float:
        """Act on what is due; the soonest deadline that is left."""
        if self.read_by <= now:
            answer = self.answer
            if answer is None:
                self.abort()
            elif self.total <= now and answer.status and answer.until > now and is_event_stream(answer.headers):
                self.total = answer.until  # only now, so that no other reply is asked what it is
                self.read_by = min(now + answer.idle, self.total)
            else:
                self.fail(failures.timed_out(self.owner.name, "total" if self.total <= now else self._phase))
        elif self.write_by <= now:
            self.fail(failures.timed_out(self.owner.name, "write"))
        return NEVER if self.gone else min(self.read_by, self.write_by)

    def resume(self) -> None:
        """The buffer was emptied: read on."""
        if self._paused:
            self._paused = False
            if self.transport is not None:
                self.transport.resume_reading()

    def abandon(self) -> None:
        """Nobody wants the rest."""
        self.answer = None
        self.abort()

    def abort(self) -> None:
        """Close at once, whatever is under way; the socket is gone after the loop's next turn."""
        if not self.gone:
            self.gone = True
            self.owner.forget(self)
        self.read_by = self.write_by = NEVER
        self._stop_upload()
        if self.transport is not None:
            self.transport.abort()

    def fail(self, error: BaseException) -> None:
        """End the answer with `error` after what has already come, and abort."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer.error = error
            answer.complete = False
            answer.connection = None
            answer.wake()
        self.abort()

    def _stop_upload(self) -> None:
        cancel, self.cancel_upload = self.cancel_upload, None
        if cancel is not None:
            cancel()
        if self._drainer is not None and not self._drainer.done():
            self._drainer.set_result(None)

    # the transport's side ------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        """The upstream does not read."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The upstream reads again."""
        self._write_paused = False
        if self._drainer is not None and not self._drainer.done():
            self._drainer.set_result(None)

    def received(self, data: bytes) -> None:
        """Parse; whatever came together is there before the waiting task runs."""
        answer = self.answer
        if answer is None:
            self.abort()  # nobody asked: what comes next could be taken for the answer to another request
            return
        try:
            rest = self.feed(answer, data)
        except Malformed as error:
            self.fail(failures.malformed(self.owner.name, error))
            return
        if rest is not None:
            self._switch(answer, rest)
            return
        if answer.complete:
            self._complete(answer)
        elif answer.buffer and not self._paused and sum(map(len, answer.buffer)) > HIGH_MARK:
            self._paused = True
            self.transport.pause_reading()  # type: ignore[union-attr]  # data comes from a transport
        if answer.waiter is not None and (answer.status or answer.informational):
            answer.wake()

    data_received = received  # the name the transport knows

    def eof_received(self) -> None:
        """The upstream is done; `connection_lost` follows, but nobody may pick the connection up until then."""
        if self.answer is None and self.tunnel is None:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection: clean only where the end is what delimits the content."""
        if self.tunnel is not None:
            self.tunnel.connection_lost(exc)
        answer, self.answer = self.answer, None
        if answer is not None:
            if self.until_end and exc is None and answer.status:
                answer.complete = True
            else:
                answer.error = failures.reset(self.owner.name, exc or "end of stream")
            answer.connection = None
            answer.wake()
        self.abort()
        self.transport = None

    # the steps of the above ----------------------------------------------------------------------------------
    def _complete(self, answer: Answer) -> None:
        """The message is whole: the answer goes on without us, the connection serves the next one or ends."""
        self.finished(answer)
        self.answer = answer.connection = None
        self.read_by = self.total = NEVER
        if self.uploading or self.dirty or not self.keep or self._write_paused:
            self.abort()
            return
        self.resume()
        self.owner.release(self)

    def _switch(self, answer: Answer, rest: bytes) -> None:
        """101: the rest is another protocol; the connection becomes a tunnel."""
        transport = self.transport
        assert transport is not None
        self.answer = answer.connection = None
        self.read_by = self.total = NEVER
        self.tunnel = tunnel = Tunnel(transport, self, rest)
        transport.set_protocol(tunnel)
        answer.complete = True
        answer.wake()
