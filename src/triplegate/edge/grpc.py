"""The gRPC side of the edge: calls of grpc.aio become canonical requests for the api gate, and lines to carry."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from triplegate.core.clock import Clock
from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange, Gate
from triplegate.core.http import BytesBody, Headers, Inbound, Message, Peer
from triplegate.core.record import Outcome
from triplegate.edge.asgi import EdgeLimits
from triplegate.edge.duplex import Line, carry
from triplegate.edge.guard import canonical
from triplegate.edge.live import Live
from triplegate.edge.serve import Answer, open_exchange
from triplegate.upstreams.grpc import load_grpc
from triplegate.wire.grpc import Metadata, from_http, from_metadata, percent_decoded, to_http, to_metadata
from triplegate.wire.ratelimit import retry_after

_HOST = (b"host", b"grpc.invalid")
"""Stands in for the authority, which grpcio does not tell: routes by host take no calls from here."""


_AT_ONCE, _TURNS, _MOMENT = 0.002, 5, 0.01
"""Seconds, turns of the loop, seconds: how soon and how late after the end of its messages a client's leaving shows."""


class GrpcLine(Line):
    """A gRPC client's call, as grpc.aio hands it over."""

    __slots__ = ("_call", "_clock", "_gone", "_plane", "_promised", "_received")
    normal = 0

    def __init__(self, exchange: Exchange, call: Any, plane: "GrpcPlane", write_idle: float) -> None:
        self._call, self._plane, self._clock = call, plane, exchange.house.clock
        self._gone = False
        self._promised: Headers | None = []
        """What the first metadata to the client holds; None once it went out."""
        self._received = 0
        super().__init__(exchange, write_idle)
        exchange.on_close(self._note)

    @property
    def gone(self) -> bool:
        """Whether the client left: grpc.aio cancels its handler then. At its deadline it did not leave, it waited."""
        return self._gone or (self._cut and self.verdict is None and not self._late)

    @gone.setter
    def gone(self, value: bool) -> None:
        self._gone = value

    @property
    def _cut(self) -> bool:
        return self._task is not None and self._task.cancelling() > 0

    @property
    def _late(self) -> bool:
        deadline = self.exchange.inbound.deadline
        return deadline is not None and self._clock.now() >= deadline - 0.005

    def _note(self, exchange: Exchange) -> None:
        """The record's status, where there was none to send."""
        if exchange.outcome == "gone":
            exchange.numbers.status = 499
        elif exchange.outcome == "failed" and exchange.refusal is None and self._late:
            exchange.numbers.status = 504
            exchange.refusal = Refusal("upstream_timeout", "The deadline has passed.", reason="the client's deadline")

    async def _open(self, headers: Headers) -> None:
        self._promised = headers

    async def metadata(self, headers: Headers) -> None:
        """Initial metadata: what was promised, and the upstream's."""
        promised, self._promised = self._promised or [], None
        await self._call.send_initial_metadata(to_metadata(promised + headers))

    async def _receive(self) -> Message | None:
        begun = self._clock.now()
        message = await self._call.read()
        if message is not self._plane.grpc.aio.EOF:
            self._received += 1
            return Message(message)
        await self._certain(at_once=self._clock.now() - begun < _AT_ONCE)
        if self._cut:
            raise Gone
        return None

    async def _certain(self, *, at_once: bool) -> None:
        """A client that leaves looks for a moment as if it had ended its messages, and must not be taken for that.

        The one message of a unary call and its end come together: there is nothing to wait for.
        """
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if not (at_once and self._received == 1):
            await asyncio.sleep(_MOMENT)

    async def _send(self, message: Message) -> None:
        if self._promised is not None:
            await self.metadata([])
        try:
            await self._call.write(message.data)
        except Exception:
            if self._cut:
                raise Gone from None
            raise

    async def close(self, code: int, reason: str = "", trailers: Headers = []) -> None:  # noqa: B006 - never changed
        """End it with a status."""
        if not self.closed:
            self.exchange.numbers.status = to_http(code)
        await super().close(code, reason, trailers)

    async def fail(self, refusal: Refusal) -> None:
        """End it with the status of a refusal."""
        if refusal.retry_after is not None:
            wait = (b"retry-after", retry_after(refusal.retry_after, self.exchange.standings))
            refusal.headers = [*refusal.headers, wait]
        if not self.closed:
            self.exchange.numbers.status = refusal.status
        await super().fail(refusal)

    async def _end(self, code: int, reason: str, trailers: Headers) -> None:
        promised, self._promised = self._promised or [], None
        if code == 0:
            if promised:
                await self._call.send_initial_metadata(to_metadata(promised))
            self._call.set_trailing_metadata(to_metadata(trailers))
            return  # grpc.aio sends the status when its handler returns
        await self._abort(code, reason, to_metadata(promised + trailers))

    async def refuse(self, status: int, headers: Headers, content: bytes) -> None:
        """Trailers only: the status that the gate wrote, or the one that says the same as an answer in HTTP."""
        told = dict(headers)
        code, message = told.get(b"grpc-status"), told.get(b"grpc-message", b"")
        self._promised = None
        number = from_http(status) if code is None else int(code)
        await self._abort(number, percent_decoded(message), to_metadata(headers))

    async def _abort(self, code: int, message: str, trailers: Metadata) -> None:
        grpc, statuses = self._plane.grpc, self._plane.statuses
        with suppress(grpc.aio.AbortError):  # which says that it was sent
            await self._call.abort(statuses.get(code, grpc.StatusCode.UNKNOWN), message, trailers)

    def abort(self) -> None:
        """The handler's end without a status is UNKNOWN to whoever still listens."""

    def code_of(self, refusal: Refusal) -> int:
        """The status of a refusal."""
        return refusal.rendering.grpc

    def outcome_of(self, code: int) -> Outcome:
        """Statuses that are the upstream's fault are failures, as in HTTP."""
        return "failed" if to_http(code) >= 500 else "ok"


class GrpcPlane:
    """Everything that comes in on the gRPC listener."""

    def __init__(
        self,
        gate: Callable[[], Gate],
        answer: Answer,
        limits: EdgeLimits,
        resolve_client: Callable[[str, Headers], str] | None,
        live: Live,
        clock: Clock,
    ) -> None:
        self.grpc = load_grpc()
        self.statuses = {one.value[0]: one for one in self.grpc.StatusCode}
        self._gate, self._answer, self.limits = gate, answer, limits
        self._resolve, self.live, self._clock = resolve_client, live, clock

    def service(self, details: Any) -> Any:
        """A handler for any method (grpc.aio asks for it): of all four kinds, it passes bytes."""

        async def forward(requests: Any, call: Any) -> None:
            await self.serve(details.method, call)

        return self.grpc.stream_stream_rpc_method_handler(forward)

    async def serve(self, method: str, call: Any) -> None:
        """One call, from its head to its status."""
        exchange = self._open(method, call)
        line = GrpcLine(exchange, call, self, self.limits.write_idle)
        await carry(line, self._answer, self.live, self.limits.exchanges)

    def _open(self, method: str, call: Any) -> Exchange:
        remaining = call.time_remaining()
        deadline = None if remaining is None else self._clock.now() + remaining
        peer, scheme = _peer(call)
        headers = from_metadata(call.invocation_metadata())
        path, refusal = method, None
        # an underscore is plain in metadata: these names are no other spelling of fields that anyone here reads
        plain = [line for line in headers if b"_" not in line[0]]
        head = self.limits.head
        if len(headers) > head.headers:
            refusal = Refusal("headers_too_large", f"More than {head.headers} metadata entries.")
        else:
            seen = canonical("grpc", "POST", method.encode(), [_HOST, *plain], "2", scheme, peer, head)
            if isinstance(seen, Refusal):
                path, headers, refusal = "/", [], seen
            elif seen.path != method or seen.query:
                path, refusal = "/", Refusal("ambiguous_path", "This is not the path of a gRPC method.")
        client = peer.address if self._resolve is None else self._resolve(peer.address, headers)
        inbound = Inbound(
            "grpc",
            "POST",
            scheme,
            "",
            None,
            path,
            b"",
            headers,
            peer,
            BytesBody(),
            client,
            "2",
            deadline,
            "grpc",
        )
        return open_exchange(self._gate(), inbound, refusal)


def _peer(call: Any) -> tuple[Peer, str]:
    """Who calls, and the scheme: `ipv4:127.0.0.1:4000`, `ipv6:%5B::1%5D:4000`."""
    _, _, rest = call.peer().partition(":")
    address, _, port = rest.rpartition(":")
    address = address.removeprefix("%5B").removesuffix("%5D").strip("[]")
    facts = call.auth_context()
    certificate = facts.get("x509_pem_cert")
    scheme = "http" if facts.get("transport_security_type") == [b"insecure"] else "https"
    return Peer(address, int(port) if port.isdigit() else 0, _der(certificate[0]) if certificate else None), scheme


def _der(pem: bytes) -> bytes:
    from ssl import PEM_cert_to_DER_cert

    return PEM_cert_to_DER_cert(pem.decode("ascii"))


class GrpcServer:
    """The listener of one worker."""

    __slots__ = ("_server",)

    def __init__(self, server: Any) -> None:
        self._server = server

    async def stop(self, grace: float) -> None:
        """Take no more calls; those under way have `grace` seconds."""
        await self._server.stop(grace)


async def open_server(
    plane: GrpcPlane, host: str, port: int, connections: int, *, shared: bool, credentials: Any = None
) -> GrpcServer:
    """Listen in the running loop. `shared`: other workers listen on the same port. Raises OSError."""
    limits = plane.limits
    server = plane.grpc.aio.server(
        options=[
            ("grpc.so_reuseport", int(shared)),
            ("grpc.max_receive_message_length", limits.body),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", limits.head.header_bytes),
            ("grpc.absolute_max_metadata_size", limits.head.header_bytes),
            ("grpc.max_allowed_incoming_connections", connections),
            ("grpc.server_handshake_timeout_ms", 10_000),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.max_connection_idle_ms", 300_000),
        ]
    )
    server.add_generic_rpc_handlers((plane,))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
    except RuntimeError as error:
        await server.stop(0)
        raise OSError(f"cannot listen on {address} for gRPC: {error}") from None
    await server.start()
    return GrpcServer(server)
