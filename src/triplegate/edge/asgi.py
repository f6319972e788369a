"""The granian side of the edge: ASGI scopes become canonical requests for the three gates; all of ASGI is here."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import msgspec

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange, Gate
from triplegate.core.http import Body, BytesBody, Headers, Inbound, Peer, Protocol, Wire
from triplegate.edge.body import ClientBody
from triplegate.edge.duplex import Line, carry
from triplegate.edge.front_facts import LOOPBACK, Table
from triplegate.edge.guard import Canonical, canonical
from triplegate.edge.guard import Limits as HeadLimits
from triplegate.edge.live import Live
from triplegate.edge.serve import Answer, open_exchange, serve
from triplegate.edge.websocket import handshake_fault
from triplegate.edge.websocket_asgi import AsgiLine

_CLOSE = (b"connection", b"close")
_UPGRADED = frozenset({"api", "llm"})
"""Gates that look themselves at which of their paths are opened as a WebSocket."""
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class EdgeLimits(msgspec.Struct, frozen=True):
    """What one request may hold and how long its body may pause."""

    head: HeadLimits
    body: int = 10_485_760
    """Bytes of a request body; more is 413."""
    body_idle: float = 30.0
    """Seconds between two pieces of a body; more is 408."""
    body_rate: int = 240
    """Least bytes a second of a body, once `body_idle` has passed; less is 408."""
    write_idle: float = 60.0
    """Seconds for which a client may take nothing of its reply; more ends the exchange."""
    exchanges: int = 4096
    """Exchanges under way at once; one more is 503."""


async def _ended(message: Any = None) -> Any:
    """What is received or sent through an exchange that is over."""
    raise Gone


class AsgiBody(ClientBody):
    """A request body that granian hands over message by message."""

    __slots__ = ("_receive", "_wire")

    def __init__(self, receive: Receive, wire: "AsgiWire", length: int | None, limit: int) -> None:
        super().__init__(length, limit, wire.limits.body_idle, wire.limits.body_rate)
        self._receive, self._wire = receive, wire

    @property
    def unread(self) -> bool:
        """Whether some of it may still come."""
        return not self._wire.read_done and (self.length is None or self._size < self.length)

    def let_go(self) -> None:
        """The exchange is over: granian closes a connection with an unread body only when nobody holds `receive`."""
        self._receive = _ended

    async def _next(self) -> tuple[bytes, bool]:
        wire = self._wire
        waiting = wire.waiting = asyncio.current_task(wire.loop)  # the exchange's own task, or one that uploads
        since = wire.waiting_since = wire.loop.time()
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not wire.stalled:
                raise
            if waiting is not None:
                waiting.uncancel()
            raise Refusal("body_timeout", "The body did not arrive in time.") from None
        finally:
            self._waited += wire.loop.time() - since
            wire.waiting_since = 0.0
            wire.waiting = None
        if message["type"] == "http.disconnect":
            wire.gone = True
            raise Gone
        content: bytes = message.get("body", b"")
        # granian tells of the end in a message of its own, which costs as much as a piece: a known length tells, too
        more = message.get("more_body", False) and self._size + len(content) != self.length
        wire.read_done = not more
        return content, more


class ClientWire(Wire):
    """A wire as the plane uses it, whichever server it belongs to."""

    __slots__ = ("swept",)
    swept: bool
    """True once it was seen by a sweep: only what outlives one is watched."""
    departs: ClassVar[bool] = False

    @abstractmethod
    def body_of(self, seen: Canonical) -> Body:
        """The body that this head announces; from now on it is the client's turn to send it."""

    @abstractmethod
    def let_go(self) -> None:
        """The exchange is over, though something may still refer to its wire."""

    @abstractmethod
    def watch(self) -> None:
        """Begin to look for the client's leaving, if that is possible by now."""

    @abstractmethod
    def check_stall(self, now: float) -> None:
        """End a wait for the client that outlasts its idle time."""

    @abstractmethod
    def stop(self) -> None:
        """End the exchange now, because the process does."""

    def dismiss(self, refusal: Refusal) -> None:
        """End a reply under way: in-band where the dialect can, else it stays visibly incomplete."""
        self.stop()


class AsgiWire(ClientWire):
    """The client's connection; the head waits for the first piece, so that a small reply is one message."""

    __slots__ = (
        "_callbacks",
        "_head",
        "_receive",
        "_send",
        "_watching",
        "gone",
        "limits",
        "loop",
        "read_done",
        "request",
        "sending_since",
        "stalled",
        "started",
        "stopping",
        "task",
        "waiting",
        "waiting_since",
    )

    def __init__(self, receive: Receive, send: Send, loop: asyncio.AbstractEventLoop, limits: EdgeLimits) -> None:
        self._receive, self._send, self.loop, self.limits = receive, send, loop, limits
        self._head: dict[str, Any] | None = None
        self._callbacks: list[Callable[[], None]] | None = None
        self._watching = self.gone = self.started = self.swept = self.stalled = self.stopping = False
        self.read_done = True
        self.request: AsgiBody | None = None
        self.waiting_since = self.sending_since = 0.0
        self.waiting: asyncio.Task[Any] | None = None
        """The task that waits for a piece of the body since then."""
        self.task: asyncio.Task[Any] | None = asyncio.current_task(loop)

    async def head(self, status: int, headers: Headers) -> None:
        """Stage the head; it goes with the first piece (granian sends the two as one)."""
        self._head = {"type": "http.response.start", "status": status, "headers": headers}

    async def body(self, content: bytes) -> None:
        """Send a piece; waits while the client is slow."""
        if self._head is not None:
            await self._begin()
        self.sending_since = self.loop.time()
        await self._send({"type": "http.response.body", "body": content, "more_body": True})
        self.sending_since = 0.0

    async def end(self, content: bytes = b"", trailers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Send the last piece and complete the message; trailers are dropped (HTTP/1 through granian)."""
        if self._head is not None:
            await self._begin()
        self.sending_since = self.loop.time()
        await self._send({"type": "http.response.body", "body": content, "more_body": False})

    async def _begin(self) -> None:
        head, self._head, self.started = self._head, None, True
        assert head is not None
        if self.request is not None and self.request.unread and _CLOSE not in head["headers"]:
            head["headers"].append(_CLOSE)  # an answer before the end of the body: nothing may follow it (P-15, P-17)
        await self._send(head)

    def abort(self) -> None:
        """Nothing more is sent: granian cuts the connection of an incomplete message when the call returns."""
        self._head = None

    def let_go(self) -> None:
        """The exchange is over, though something may still refer to it."""
        self._receive = self._send = _ended
        request, self.request = self.request, None  # they hold each other, and the body what was read of it
        if request is not None:
            request.let_go()

    def body_of(self, seen: Canonical) -> AsgiBody:
        """The body that this head announces."""
        self.read_done = False
        self.request = AsgiBody(self._receive, self, seen.content_length, self.limits.body)
        return self.request

    def on_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client leaves, instead of cancelling the exchange."""
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    # what the sweep calls -----------------------------------------------------------------------------------
    def watch(self) -> None:
        """Arm `receive()`, once the request body is read: a second receive while one waits would lie."""
        if self._watching or self.gone or not self.read_done:
            return
        self._watching = True
        self._receive().add_done_callback(self._told)  # type: ignore[attr-defined]  # granian's future, one callback

    def _told(self, future: Any) -> None:
        self._watching = False
        try:
            kind = future.result()["type"]
        except (asyncio.CancelledError, Exception):  # noqa: BLE001 - a broken receive means the client is gone
            kind = "http.disconnect"
        if kind != "http.disconnect":
            return  # an empty rest of the request; the next sweep arms again
        self.gone = True
        if self._callbacks is not None:
            for callback in self._callbacks:
                callback()
        elif self.task is not None:
            self.task.cancel()

    def stop(self) -> None:
        """End the exchange now, because the process does: the pump tells the client in-band where it can."""
        if self.task is not None and not self.stopping:
            self.stopping = True
            self.task.cancel()

    def check_stall(self, now: float) -> None:
        """Cancel a wait that outlasts its idle time: for a piece of the body, or for a client that takes nothing."""
        if self.waiting_since and now - self.waiting_since > self.limits.body_idle and self.waiting is not None:
            self.waiting_since = 0.0
            self.stalled = True
            self.waiting.cancel()
        elif self.sending_since and now - self.sending_since > self.limits.write_idle and self.task is not None:
            self.sending_since = 0.0
            self.gone = True
            self.task.cancel()


def _past_the_front() -> Refusal:
    """Nothing is known of this connection, not even that it is a client's."""
    return Refusal("forbidden", "Connections come by the listener's own port.", headers=[_CLOSE])


def _misdirected() -> Refusal:
    return Refusal("misdirected", "This host needs a connection of its own: it has another certificate.")


class DataPlane:
    """Everything that comes in on the data socket."""

    __slots__ = ("_answer", "_facts", "_gates", "_listener", "_loop", "_resolve", "limits", "live")

    def __init__(
        self,
        gate_for: Callable[[str], Gate],
        answer: Answer,
        limits: EdgeLimits,
        resolve_client: Callable[[str, Headers], str] | None,
        live: Live,
        listener: str = "data",
        facts: Table | None = None,
    ) -> None:
        """`facts`: what the front before this listener knows of connections; what is not in it came past the front."""
        self._facts = facts
        self._gates, self._answer, self.limits, self._listener = gate_for, answer, limits, listener
        self._resolve = resolve_client
        self._loop: asyncio.AbstractEventLoop | None = None
        self.live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of any gate."""
        if scope["type"] != "http":
            await self._channel(scope, receive, send)
            return
        loop = self._loop or self._bind()
        wire = AsgiWire(receive, send, loop, self.limits)
        address, port = scope["client"]
        query: bytes = scope["query_string"]
        exchange = self.open(
            wire,
            scope["method"],
            scope["raw_path"] + b"?" + query if query else scope["raw_path"],
            scope["headers"],
            scope["http_version"],
            scope["scheme"],
            Peer(address, int(port)),
        )
        await self.carry(exchange, wire)

    def _bind(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    async def carry(self, exchange: Exchange, wire: ClientWire) -> None:
        """An exchange from its open to its close, among the living while it lasts."""
        live = self.live.wires
        if len(live) >= self.limits.exchanges and exchange.refusal is None:
            exchange.refusal = Refusal("overloaded", "Too many calls are under way.", retry_after=1.0)
        live[wire] = exchange
        try:
            await serve(exchange, wire, self._answer)
        finally:
            self.live.exit(wire)
            wire.let_go()

    async def _channel(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request to open a WebSocket; granian says neither its method nor its scheme in HTTP's words."""
        wire = AsgiWire(receive, send, self._loop or self._bind(), self.limits)
        address, port = scope["client"]
        query: bytes = scope["query_string"]
        exchange = self.open(
            wire,
            "GET",
            scope["raw_path"] + b"?" + query if query else scope["raw_path"],
            scope["headers"],
            scope["http_version"],
            "https" if scope["scheme"] == "wss" else "http",
            Peer(address, int(port)),
            "websocket",
        )
        await self.carry_channel(AsgiLine(exchange, receive, send, self.limits.write_idle))

    async def carry_channel(self, line: Line) -> None:
        """As `carry`, for what goes both ways."""
        await carry(line, self._answer, self.live, self.limits.exchanges)

    def open(
        self,
        wire: ClientWire,
        method: str,
        target: bytes,
        headers: Headers,
        version: str,
        scheme: str,
        peer: Peer,
        protocol: Protocol = "http",
    ) -> Exchange:
        """The exchange of a request whose head is here; never raises."""
        facts = None
        if self._facts is not None:
            facts = self._facts.get(peer.port) if peer.address == LOOPBACK else None
            if facts is None:
                return self.refused(_past_the_front(), method, scheme, peer, version, target)
            peer, scheme = facts.peer, facts.scheme
        seen = canonical(self._listener, method, target, headers, version, scheme, peer, self.limits.head)
        if protocol == "websocket" and not isinstance(seen, Refusal):
            seen = handshake_fault(seen) or seen
        if isinstance(seen, Refusal):
            return self.refused(seen, method, scheme, peer, version, target)
        if facts is not None and facts.misdirected(seen.host):
            return self.refused(_misdirected(), method, scheme, peer, version, target)
        body = wire.body_of(seen) if seen.has_body else BytesBody()
        address = peer.address if self._resolve is None else self._resolve(peer.address, seen.headers)
        inbound = Inbound(
            self._listener,
            seen.method,
            seen.scheme,
            seen.host,
            seen.port,
            seen.path,
            seen.query,
            seen.headers,
            peer,
            body,
            address,
            seen.http_version,
            protocol=protocol,
            asked="" if facts is None else facts.asked,
        )
        gate = self._gates(seen.path)
        if protocol == "websocket" and gate.name not in _UPGRADED:
            refusal = Refusal("websocket_not_served", "This gate is called without WebSocket.")
            return open_exchange(gate, inbound, refusal)
        return open_exchange(gate, inbound)

    def refused(
        self, refusal: Refusal, method: str, scheme: str, peer: Peer, version: str = "1.1", target: bytes = b"/"
    ) -> Exchange:
        """The exchange of a request that nobody may read: the gate of its path renders the refusal."""
        path = target.partition(b"?")[0].decode("latin-1")
        nothing = BytesBody()
        inbound = Inbound(self._listener, method, scheme, "", None, "/", b"", [], peer, nothing, peer.address, version)
        return open_exchange(self._gates(path), inbound, refusal)
