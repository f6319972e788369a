"""Keep-alive connections to one origin: bounded, last in first out, with one honest retry of a stale one."""

import ssl
import time
from collections.abc import Callable

from triplegate.core.errors import Refusal
from triplegate.core.http import Body, BytesBody, Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit, Supervisor
from triplegate.upstreams.answer import Answer, Informational
from triplegate.upstreams.head import IDEMPOTENT, length_framing, request_head
from triplegate.upstreams.http1 import Connection
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.places import Counters, Places, PoolLimits
from triplegate.upstreams.resolve import Resolver
from triplegate.upstreams.tls import Trust
from triplegate.upstreams.upload import Upload

_CONTINUE_WAIT = 1.0  # RFC 9110 §10.1.1: do not wait for a 100 indefinitely
__all__ = ["Counters", "Pool", "PoolLimits", "shared_pool"]

_NO_LIMIT = 1 << 62
_JOINED = 64 * 1024  # a body up to this size goes out in one piece with the head


class Pool(Places):
    """All connections to one origin. `send` and `upgrade` are the ways in, `retire` and `close` the ways out."""

    __slots__ = ("_supervisor",)

    def __init__(
        self,
        origin: Origin,
        supervisor: Supervisor,
        *,
        tls: ssl.SSLContext | None = None,
        sni: str | None = None,
        trust: Trust | None = None,
        resolver: Resolver | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(origin, tls=tls, sni=sni, trust=trust, resolver=resolver, now=now)
        self._supervisor = supervisor

    def twin(self) -> "Pool":
        """A pool of its own to the same place, for questions that must not wait behind calls."""
        return Pool(
            self.origin,
            self._supervisor,
            tls=self._tls,
            sni=self._sni,
            trust=self._trust,
            resolver=self._resolver,
            now=self.now,
        )

    # sending -------------------------------------------------------------------------------------------------
    async def send(
        self,
        method: str,
        target: bytes,
        headers: Headers,
        body: Body,
        dispatch: Dispatch,
        *,
        deadline: float | None = None,
        on_informational: Informational | None = None,
        fixed: bytes = b"",
    ) -> Reply:
        """One request, one reply; `headers` carry Host and no framing, `target` is the raw path?query.

        `fixed`: what `fixed_lines` made of fields that are always the same, where some are.

        The reply's headers are as they came (names in lower case, hop-by-hop fields still in). `deadline` is in
        monotonic seconds. A kept connection that proves closed before a reply byte came is replaced by a fresh one
        once, for idempotent methods whose body is here (P-18). Raises Refusal upstream_* and internal.
        """
        total = self.now() + (dispatch.total if dispatch.attempt is None else dispatch.attempt)
        if deadline is not None and deadline < total:
            total = deadline
        if body.kind == "one_pass":
            return await self._send_pieces(method, target, headers, body, dispatch, total, on_informational, fixed)
        content = body.content if type(body) is BytesBody else await body.whole(_NO_LIMIT)
        message = request_head(method, target, headers, length_framing(method, len(content)), fixed)
        if len(content) <= _JOINED:
            message, content = message + content, b""
        connection = self.reuse() or await self.acquire(dispatch, total)
        again = connection.kept and method in IDEMPOTENT
        while True:
            answer = connection.ask(
                message, idle=dispatch.idle, total=total, head_only=method == "HEAD", on_informational=on_informational
            )
            answer.until = total - dispatch.total + dispatch.stream
            if content:
                connection.write(content)
            try:
                await answer.head(dispatch.first_byte)
            except Refusal as refusal:
                if not again or refusal.code != "upstream_reset" or connection.heard:
                    raise
            except BaseException:
                answer.close()
                raise
            else:
                return Reply(answer.status, answer.headers, answer, trailers=answer.trailers)
            again = False
            self.stale += 1
            connection = await self.acquire(dispatch, total, fresh=True)

    async def _send_pieces(
        self,
        method: str,
        target: bytes,
        headers: Headers,
        body: Body,
        dispatch: Dispatch,
        total: float,
        on_informational: Informational | None,
        fixed: bytes,
    ) -> Reply:
        """A body that comes piece by piece: its first piece goes out with the head, the rest by a task.

        A chunked one's head goes out alone and at once, since its sender may want to hear from the upstream first.
        """
        expects = any(name == b"expect" for name, _ in headers)
        connection = self.reuse() or await self.acquire(dispatch, total)
        try:
            upload = Upload(body.chunks(), body.length, dispatch.idle)
            framing = upload.framing + (b"expect: 100-continue\r\n" if expects else b"")
            message = request_head(method, target, headers, framing, fixed)
            if not expects and body.length is not None:
                message += await upload.first()
            if connection.gone:  # it closed while we waited for the client; nothing was sent
                connection = await self.acquire(dispatch, total, fresh=True)
        except BaseException:
            if not connection.gone:
                self.release(connection)
            raise
        answer = connection.ask(
            message,
            idle=dispatch.idle,
            total=total,
            head_only=method == "HEAD",
            on_informational=on_informational,
            uploading=True,
        )
        answer.until = total - dispatch.total + dispatch.stream
        try:
            if expects:
                await _await_continue(connection, answer)
            await self._upload(connection, answer, upload, dispatch)
        except BaseException:
            answer.close()
            raise
        return Reply(answer.status, answer.headers, answer, trailers=answer.trailers)

    async def _upload(self, connection: Connection, answer: Answer, upload: Upload, dispatch: Dispatch) -> None:
        """Send what is left of the body and wait for the head, whichever comes first."""
        if upload.filled:
            await upload.exhaust()
        if upload.ended:
            connection.uploaded()
            await answer.head(dispatch.first_byte)
            return
        if not answer.status and not connection.gone:
            connection.cancel_upload = self._supervisor.spawn(upload.rest(connection, dispatch.first_byte), "upload")
        await answer.head(None)

    async def upgrade(
        self,
        target: bytes,
        headers: Headers,
        dispatch: Dispatch,
        *,
        protocol: bytes = b"websocket",
        deadline: float | None = None,
    ) -> Reply:
        """Ask for another protocol by GET; status 101: the reply's frames are a `Tunnel`, else a normal reply.

        The caller checks Sec-WebSocket-Accept (P-22). A tunnel counts as a connection until it is closed.
        """
        total = self.now() + dispatch.total
        if deadline is not None and deadline < total:
            total = deadline
        message = request_head("GET", target, headers, b"connection: upgrade\r\nupgrade: %b\r\n" % protocol)
        connection = await self.acquire(dispatch, total, fresh=True)
        answer = connection.ask(message, idle=dispatch.idle, total=total, upgradable=True)
        try:
            await answer.head(dispatch.first_byte)
        except BaseException:
            answer.close()
            raise
        if connection.tunnel is not None:
            return Reply(101, answer.headers, connection.tunnel)
        return Reply(answer.status, answer.headers, answer, trailers=answer.trailers)


async def _await_continue(connection: Connection, answer: Answer) -> None:
    """Expect: 100-continue: the body waits for 100 or a final head, but no longer than a second."""
    lapsed = connection.loop.time() + _CONTINUE_WAIT
    timer = connection.loop.call_at(lapsed, answer.wake)
    try:
        while not answer.ready and not answer.status and answer.informational != 100:
            if connection.loop.time() >= lapsed - 0.001:
                return
            await answer.turn()
    finally:
        timer.cancel()


def shared_pool(kit: Kit, origin: Origin, *, tls: ssl.SSLContext | None = None, sni: str | None = None) -> Pool:
    """The one pool of this origin and identity, kept over reloads: no reload reconnects."""
    return kit.state(Pool, origin.key, lambda: Pool(origin, kit.supervisor, tls=tls, sni=sni, now=kit.clock.now))
