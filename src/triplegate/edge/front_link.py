"""One client's connection at a front: it is opened, then bytes go both ways to the server behind, bounded in all."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

from triplegate.core.errors import Refusal
from triplegate.edge.front_facts import LOOPBACK, Table
from triplegate.edge.front_opening import Opening, Unfit
from triplegate.edge.front_terms import Terms
from triplegate.edge.front_tls import Secured
from triplegate.wire.http2_frames import CALM, NO_ERROR, Http2Watch

BUFFER = 65_536
"""Bytes that may wait in either direction before the other side is read no more."""
LINGER = 2.0
"""Seconds a client has to take the end of its reply and to stop sending."""


class Link(asyncio.Protocol):
    """From the first byte to the last."""

    __slots__ = (
        "_cancel", "_counted", "_ended", "_inner", "_known", "_last", "_lingers", "_loop", "_opening", "_owing",
        "_slow", "_stale", "_take", "_terms", "_timer", "_tls", "_transport", "_watch",
    )  # fmt: skip

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._loop = asyncio.get_running_loop()
        self._take: Callable[[bytes], None] = self._drop
        """What is done with the client's next bytes."""
        self._transport: Any = None
        self._inner: Any = None
        self._opening: Opening | None = None
        self._tls: Secured | None = None
        self._watch: Http2Watch | None = None
        self._counted = ""
        self._known: tuple[Table, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancel: Callable[[], None] | None = None
        self._ended = self._lingers = self._slow = False
        self._last = (0, 0)
        self._stale = self._owing = 0.0

    # before HTTP ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: Any) -> None:
        """Take it, unless there are too many or it comes from elsewhere."""
        terms = self._terms
        self._transport = transport
        transport.set_write_buffer_limits(high=BUFFER)
        terms.links.add(self)
        if len(terms.links) > terms.connections:
            self._refuse("connections")
            return
        peer = transport.get_extra_info("peername")
        try:
            if not peer:
                raise Unfit("left")
            self._opening = Opening(terms, *peer[:2])
        except Unfit as error:
            self._refuse(str(error))
            return
        if self._opening.named and not self._count(self._opening):
            return
        self._tls = self._opening.tls
        self._take = self._open
        self._timer = self._loop.call_later(terms.header_timeout, self._refuse, "slow")

    def data_received(self, content: bytes) -> None:
        """Bytes of the client."""
        self._take(content)

    def _open(self, content: bytes) -> None:
        opening = self._opening
        assert opening is not None
        try:
            opening.feed(content)
        except Unfit as error:
            self._tell_pending()  # TLS's own alert
            self._refuse(str(error), abort=self._tls is None)
            return
        self._tell_pending()
        if not self._counted and opening.named and not self._count(opening):
            return
        if opening.http2 is not None:
            self._dial(opening)

    def _count(self, opening: Opening) -> bool:
        addresses, address = self._terms.addresses, opening.peer.address
        if addresses[address] >= self._terms.per_address:
            self._refuse("connections of one address")
            return False
        addresses[address] += 1
        self._counted = address
        return True

    def _tell_pending(self) -> None:
        if self._tls is not None:
            pending = self._tls.pending
            if pending:
                self._transport.write(pending)

    # to the server behind -------------------------------------------------------------------------------------
    def _dial(self, opening: Opening) -> None:
        self._transport.pause_reading()
        try:
            self._cancel = self._terms.supervisor.spawn(self._reach(opening), "front")
        except Refusal:
            self._refuse("overloaded")

    async def _reach(self, opening: Opening) -> None:
        http2 = opening.http2 is True
        port, table = self._terms.behind[http2]
        own = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        own.setblocking(False)
        try:
            own.bind((LOOPBACK, 0))
            name = own.getsockname()[1]
            self._known = (table, name)
            table[name] = opening.facts()  # before anything can ask for it
            await self._loop.sock_connect(own, (LOOPBACK, port))
            await self._loop.create_connection(lambda: Behind(self, opening), sock=own)
        except BaseException as error:
            own.close()
            if not isinstance(error, OSError):
                raise
            self._refuse("server behind")

    def joined(self, inner: Any, opening: Opening) -> None:
        """The server behind is there."""
        if self._transport.is_closing():
            inner.abort()
            return
        self._rest()
        self._inner, self._opening, self._cancel = inner, None, None
        if opening.http2:
            self._watch = Http2Watch(self._loop.time)
            self._terms.watched.add(self)
        self._take = self._pump if self._tls is None else self._pump_secured
        self._pump(opening.held)
        if self._inner is not None:
            if self._ended or (self._tls is not None and self._tls.ended):
                inner.write_eof()
            if not self._slow:
                self._transport.resume_reading()

    def _pump(self, content: bytes) -> None:
        watch = self._watch
        if watch is not None:
            watch.client(content)
            if watch.flood:
                self._calm(watch)
                return
        self._inner.write(content)

    def _pump_secured(self, content: bytes) -> None:
        tls = self._tls
        assert tls is not None
        try:
            content = tls.receive(content)
        except ssl.SSLError:
            self._refuse("TLS")
            return
        self._tell_pending()
        if content:
            self._pump(content)
        if tls.ended and self._inner is not None and not self._ended:
            self._ended = True
            self._inner.write_eof()

    def send(self, content: bytes) -> None:
        """Bytes of the server behind."""
        if self._lingers or self._transport.is_closing():
            return
        watch = self._watch
        if watch is not None:
            watch.server(content)
        self._transport.write(content if self._tls is None else self._tls.send(content))
        if watch is not None:
            if watch.flood:
                self._calm(watch)
            elif self._terms.closing and not watch.open:
                self.leave()

    # the end --------------------------------------------------------------------------------------------------
    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for its reply."""
        if self._lingers or (self._tls is not None and not self._tls.ended):
            return False  # without TLS's own end it may have been cut short
        if self._inner is not None and not self._ended:
            self._inner.write_eof()
        self._ended = True
        return self._inner is not None or self._cancel is not None

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone: what was begun behind ends."""
        terms = self._terms
        terms.gone(self)
        if self._counted:
            terms.addresses[self._counted] -= 1
            if not terms.addresses[self._counted]:
                del terms.addresses[self._counted]
            self._counted = ""
        self._let_go()

    def finish(self) -> None:
        """The server behind has ended: the client gets the rest, and time to take it."""
        self.forget()
        self._inner = None
        if self._lingers or self._transport.is_closing():
            return
        self._lingers, self._take = True, self._drop
        if self._tls is not None:
            self._transport.write(self._tls.close())
        if self._terms.closing or self._ended:
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._timer = self._loop.call_later(LINGER, self._linger, self._waiting(), self._loop.time())

    def _linger(self, before: int, since: float) -> None:
        """Close, unless the client is slow but takes something."""
        waiting, now = self._waiting(), self._loop.time()
        if not waiting or (waiting == before and now - since > self._terms.write_idle):
            self._transport.abort()
            return
        since = since if waiting == before else now
        self._timer = self._loop.call_later(LINGER, self._linger, waiting, since)

    def _waiting(self) -> int:
        return 0 if self._transport.is_closing() else int(self._transport.get_write_buffer_size())

    def leave(self) -> None:
        """End a connection of HTTP/2 on which nothing is under way."""
        self._say_goodbye(NO_ERROR)
        self._let_go()
        self.finish()

    def _calm(self, watch: Http2Watch) -> None:
        self._terms.refused[f"flood of {watch.flood}"] += 1
        self._say_goodbye(CALM)
        self._let_go()
        self._transport.close()

    def _say_goodbye(self, code: int) -> None:
        goodbye = b"" if self._watch is None else self._watch.goaway(code)
        if goodbye and not self._transport.is_closing():
            self._transport.write(goodbye if self._tls is None else self._tls.send(goodbye))

    def sweep(self, seconds: float) -> None:
        """HTTP/2 only: what is idle leaves, and a header block that was begun must come to its end."""
        watch, patience = self._watch, self._terms.header_timeout
        assert watch is not None
        last, self._last = self._last, (watch.last, watch.heading)
        self._stale = self._stale + seconds if not watch.open and watch.last == last[0] else 0.0
        self._owing = self._owing + seconds if watch.heading and watch.heading == last[1] else 0.0
        if self._owing > patience:
            self._refuse("slow")
        elif not watch.open and (self._terms.closing or self._stale > patience):
            self.leave()

    def stop(self, *, hard: bool = False) -> None:
        """The process ends: what has not begun is cut, and with `hard` everything."""
        if hard or (self._inner is None and not self._waiting()):
            self._let_go()
            self._transport.abort()

    def _refuse(self, reason: str, *, abort: bool = True) -> None:
        self._terms.refused[reason] += 1
        self._let_go()
        if abort:
            self._transport.abort()
        else:
            self._transport.close()

    def _let_go(self) -> None:
        self._take = self._drop
        self._rest()
        self.forget()
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.abort()

    def forget(self) -> None:
        """The server behind may know no more of our connection: before its port can be somebody else's."""
        if self._known is not None:
            table, name = self._known
            table.pop(name, None)
            self._known = None

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self, content: bytes) -> None:
        """Nobody waits for it."""

    # backpressure ---------------------------------------------------------------------------------------------
    def pause_writing(self) -> None:
        """The client is slow: read no more of its reply."""
        if self._inner is not None and not self._inner.is_closing():
            self._inner.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._inner is not None and not self._inner.is_closing():
            self._inner.resume_reading()

    def pause(self) -> None:
        """The server behind is slow: read no more of the client."""
        self._slow = True
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """It has caught up."""
        self._slow = False
        if not self._transport.is_closing():
            self._transport.resume_reading()


class Behind(asyncio.Protocol):
    """Our connection to the server behind."""

    __slots__ = ("_link", "_opening")

    def __init__(self, link: Link, opening: Opening) -> None:
        self._link = link
        self._opening: Opening | None = opening

    def connection_made(self, transport: Any) -> None:
        """Tell the link."""
        transport.set_write_buffer_limits(high=BUFFER)
        opening, self._opening = self._opening, None
        assert opening is not None
        self._link.joined(transport, opening)

    def data_received(self, content: bytes) -> None:
        """Bytes for the client."""
        self._link.send(content)

    def eof_received(self) -> bool:
        """Nothing more comes."""
        self._link.finish()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._link.finish()

    def pause_writing(self) -> None:
        """The server is slow."""
        self._link.pause()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._link.resume()
