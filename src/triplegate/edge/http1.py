"""A client's HTTP/1.1 connection in the gateway's own loop: request after request, each read strictly (RFC 9112)."""

import asyncio
import socket
import sys
import traceback
from typing import Literal, Protocol, cast

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Peer
from triplegate.edge.asgi import DataPlane
from triplegate.edge.http1_head import END, check_begun, read_head
from triplegate.edge.http1_wire import Http1Wire
from triplegate.edge.websocket_http1 import Http1Line

_AHEAD = 64 * 1024
"""Bytes of further requests that may wait for the answer to the first; then the client is not read any further."""


class Doorkeeper(Protocol):
    """The server, as its connections see it."""

    plane: DataPlane
    loop: asyncio.AbstractEventLoop
    scheme: str
    closing: bool
    """No further request is taken on any connection."""

    def admit(self, connection: "Connection") -> bool:
        """Count it; False: there is no room."""
        ...

    def await_head(self, connection: "Connection") -> None:
        """From now on a head must come in time."""
        ...

    def busy(self, connection: "Connection") -> None:
        """It has a call: no time runs but the call's own."""
        ...

    def await_end(self, connection: "Connection") -> None:
        """It was closed by us: the client has a moment to take the rest and leave."""
        ...

    def forget(self, connection: "Connection") -> None:
        """It is gone."""
        ...

    def date(self) -> bytes:
        """The field `date`, as a whole line."""
        ...


class Connection(asyncio.Protocol):
    """One client; one call at a time, those sent ahead wait in the buffer, bounded."""

    __slots__ = (
        "_buffer",
        "_call",
        "_deaf",
        "_exchange",
        "_halted",
        "_peer",
        "_rest",
        "_server",
        "_task",
        "date",
        "loop",
        "paused",
        "transport",
    )

    def __init__(self, server: Doorkeeper) -> None:
        self._server = server
        self.loop = server.loop
        self.date = server.date
        self.transport: asyncio.Transport | None = None
        self._buffer = b""
        self._call: Http1Wire | None = None
        self._exchange: Exchange | None = None
        """Of a call whose turn has not come yet."""
        self._task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[None] | None = None
        """What the task waits for between two calls."""
        self._deaf = False
        """Closed by us: what still comes is dropped."""
        self._halted = False
        """The client's bytes are left in the network."""
        self.paused = False

    # the transport's side ------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        self.transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        address = str(name[0]) if isinstance(name, tuple) else ""
        if address.startswith("::ffff:") and "." in address:
            address = address[7:]  # an IPv4 client of a listener for both
        self._peer = Peer(address, int(name[1]) if address else 0)
        if self._server.admit(self):
            self._server.await_head(self)
        else:
            refusal = Refusal("overloaded", "Too many connections.", retry_after=1.0)
            self._start(None, self._server.plane.refused(refusal, "GET", self._server.scheme, self._peer))

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of the body that is awaited, or of what comes after the call under way."""
        if self._deaf:
            return
        call = self._call
        if call is None:
            self._take(data)
            return
        request = call.request
        if request is not None and not request.done and not self._buffer:
            data = request.feed(data)
        if data:
            self._buffer += data
            if len(self._buffer) > _AHEAD:
                self.read_on(wanted=False)

    def eof_received(self) -> None:
        """The client has ended its side: it left, or it will not hear of what it asked for (docs/deviations.md)."""
        if self._call is not None:
            self._call.lost()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._deaf = True
        self.transport = None
        self._server.forget(self)
        if self._call is not None:
            self._call.lost()
        else:
            self._wake()

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        self.paused = True

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        self.paused = False
        if self._call is not None:
            self._call.taken()

    # the calls' side -----------------------------------------------------------------------------------------
    def write(self, content: bytes) -> None:
        """Send; a connection that is gone takes it and drops it."""
        if self.transport is not None:
            self.transport.write(content)

    def unsent(self) -> int:
        """Bytes that the network has not taken yet."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def read_on(self, *, wanted: bool) -> None:
        """Read the client, or leave its bytes in the network."""
        if self._halted == wanted and self.transport is not None:
            self._halted = not wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def cut(self, *, queued: bool = True, reset: bool = False) -> None:
        """End the connection without the end of the message; `queued`: after what waits to be sent."""
        transport = self.transport
        if transport is None:
            return
        self._deaf = True
        if queued:
            transport.close()
            self._server.await_end(self)
            return
        raw = transport.get_extra_info("socket") if reset else None
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        transport.abort()

    # the server's side ---------------------------------------------------------------------------------------
    def end(self) -> None:
        """Take no further call; one that is under way is answered."""
        if self._call is not None:
            self._call.keep = False
        else:
            self._close()

    def late(self) -> None:
        """The head did not come in time: 408 when it had begun, silence when it had not."""
        if self._call is None and self._buffer and not self._deaf:
            self._refuse(Refusal("head_timeout", "The head did not arrive in time."))
        elif self._call is None:
            self._close()

    # the steps of the above ----------------------------------------------------------------------------------
    def _take(self, data: bytes) -> None:
        """Find the next head and begin its call."""
        server = self._server
        begun = bool(self._buffer)
        if begun:
            data = self._buffer + data
        while data[:2] == b"\r\n":
            data = data[2:]  # RFC 9112 §2.2: empty lines before a request are skipped
        end = data.find(END)
        limits = server.plane.limits.head
        most = limits.target + limits.header_bytes + 4 * limits.headers + 64
        try:
            if end < 0 or end > most:
                self._buffer = data
                if data and not begun:
                    server.await_head(self)  # its time begins with its first byte
                check_begun(data, most, limits.target)
                return
            head = read_head(data[:end])
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self._buffer = b""
        keep = head.keep and not server.closing
        wire = Http1Wire(self, server.plane.limits, head.method, head.version, keep=keep)
        protocol: Literal["http", "websocket"] = "websocket" if head.upgrade else "http"
        exchange = server.plane.open(
            wire, head.method, head.target, head.headers, head.version, server.scheme, self._peer, protocol
        )
        wire.keep &= not head.upgrade  # what it sent ahead are frames, whatever the answer (P-22)
        self._start(wire, exchange)
        rest = data[end + 4 :]
        if rest:
            self.data_received(rest)

    def _refuse(self, refusal: Refusal) -> None:
        self._buffer = b""
        server = self._server
        self._start(None, server.plane.refused(refusal, "GET", server.scheme, self._peer))

    def _start(self, wire: Http1Wire | None, exchange: Exchange) -> None:
        server = self._server
        server.busy(self)
        if wire is None:
            self._deaf = True
            wire = Http1Wire(self, server.plane.limits, "GET", "1.1", keep=False)
        self._call, self._exchange = wire, exchange
        if self._task is None:
            self._task = self.loop.create_task(self._serve())
        else:
            self._wake()
        wire.task = self._task

    async def _serve(self) -> None:
        """Call after call while the connection lives: a task for each would cost as much as finding its route."""
        try:
            while (call := self._call) is not None:
                await self._carry(call)
                if self._resting():
                    self._rest = self.loop.create_future()
                    await self._rest
        except asyncio.CancelledError:
            self._close()  # told to end in the moment in which its call did
        finally:
            self._task = self._rest = None

    async def _carry(self, wire: Http1Wire) -> None:
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        try:
            if exchange.inbound.protocol == "websocket":
                await self._server.plane.carry_channel(Http1Line(exchange, wire, self._ahead))
            else:
                await self._server.plane.carry(exchange, wire)
        except asyncio.CancelledError:
            pass  # the client left, or the process ends: the exchange is closed by now
        except Exception:  # noqa: BLE001 - one call must never take the listener with it
            traceback.print_exc(file=sys.stderr)
        finally:
            self._ended(wire)

    def _resting(self) -> bool:
        return self._call is None and not self._deaf

    def _ahead(self) -> bytes:
        """What came since the head; the connection is read on."""
        data, self._buffer = self._buffer, b""
        self.read_on(wanted=True)
        return data

    def _wake(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None and not rest.done():
            rest.set_result(None)

    def _ended(self, wire: Http1Wire) -> None:
        """What becomes of the connection after a call."""
        self._call = wire.task = None
        request = wire.request
        if self.transport is None:
            return
        if not wire.ended:
            self.cut(queued=wire.started and not wire.gone)
        elif not wire.keep or self._server.closing or (request is not None and not request.done):
            self._close()
        else:
            data, self._buffer = self._buffer, b""
            self.read_on(wanted=True)
            self._server.await_head(self)
            if data:
                self._take(data)

    def _close(self) -> None:
        """No further call; what the client still sends is dropped until it leaves, so that no reset eats the answer."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._deaf = True
        self._buffer = b""
        self.read_on(wanted=True)
        self._server.await_end(self)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
