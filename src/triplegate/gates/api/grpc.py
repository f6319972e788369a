"""gRPC services: calls of gRPC clients are relayed both ways, those of gRPC-web clients become calls of one request."""

from collections.abc import Awaitable

from triplegate.config.documents_api import ServiceDocument
from triplegate.config.documents_grpc import GrpcOptions
from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Channel, Duplex, Frames, Headers, Message, OneFrame, Reply
from triplegate.core.ports import Kit
from triplegate.gates.api.grpc_web import WebReply, one_message, web_request
from triplegate.gates.api.service import Service, path_at, used
from triplegate.upstreams.endpoint import Endpoint
from triplegate.upstreams.grpc import Call, ChannelSettings, GrpcChannel, Waits, channel_to
from triplegate.upstreams.grpc_health import serves
from triplegate.upstreams.health import Asked
from triplegate.upstreams.retries import class_of_status
from triplegate.wire.grpc import Metadata, parse_timeout, to_http, to_metadata


def call(service: Service, exchange: Exchange, headers: Headers, chain: Chain, attempt: Attempt) -> Awaitable[Reply]:
    """One try of a gRPC client's call. Raises Refusal, also where the route leads to something else."""
    if type(service) is Service:
        raise Refusal("route_not_found", "This route leads to no gRPC service.")
    return service.send(exchange, headers, chain, attempt)


class GrpcService(Service):
    """What `Target.wiring` is for services with `protocol: grpc`."""

    __slots__ = ("_channels", "_options")

    def __init__(self, name: str, document: ServiceDocument, kit: Kit) -> None:
        super().__init__(name, document, kit)
        self._options = document.grpc or GrpcOptions()
        authority = "" if document.host == "upstream" else document.host
        settings = ChannelSettings(self._options.max_message, self._options.keepalive, authority)
        self._channels = {
            endpoint: channel_to(endpoint.name, document.tls, settings, kit) for endpoint in self.group.endpoints
        }

    def send(self, exchange: Exchange, headers: Headers, chain: Chain, attempt: Attempt) -> Awaitable[Reply]:
        """One try at one endpoint. Raises Refusal, also for what is neither gRPC nor gRPC-web."""
        relays = exchange.inbound.protocol == "grpc"
        if not relays:
            web_request(exchange.inbound)
        endpoint = self.begin(exchange, attempt, chain)
        calling = Calling(self, self._channels[endpoint], exchange, chain, attempt, endpoint, headers)
        sent = calling.relay() if relays else calling.ask()
        return sent if attempt.use is None else used(attempt.use, sent)

    def report(self, attempt: Attempt, chain: Chain) -> None:
        """How an attempt failed; of one that did not yet, its own end tells (`finished`)."""
        if attempt.error_class:
            super().report(attempt, chain)

    def finished(self, attempt: Attempt, chain: Chain, code: int, *, own_deadline: bool) -> None:
        """How a call ended: breaker and endpoint learn of it. A deadline that the client set blames nobody."""
        attempt.numbers.status = to_http(code)
        attempt.error_class = "client" if code == 4 and own_deadline else class_of_status(to_http(code))
        super().report(attempt, chain)

    @property
    def asked(self) -> Asked | None:
        """By grpc.health.v1, over the channel that calls take."""
        return lambda endpoint, rules: serves(self._channels[endpoint], rules)

    @property
    def max_message(self) -> int:
        """Largest message, either way."""
        return self._options.max_message


_NO_HOST = (b"x-forwarded-host", b"")  # grpcio does not tell what a native client asked for
_SHARE, _MOST = 0.01, 0.25
"""Of the time that is left, and seconds: what a call is given less."""


class Calling:
    """One attempt at one endpoint."""

    __slots__ = ("attempt", "chain", "channel", "exchange", "metadata", "method", "own_deadline", "service")

    def __init__(
        self,
        service: GrpcService,
        channel: GrpcChannel,
        exchange: Exchange,
        chain: Chain,
        attempt: Attempt,
        endpoint: Endpoint,
        headers: Headers,
    ) -> None:
        self.service, self.channel, self.exchange, self.chain = service, channel, exchange, chain
        self.attempt = attempt
        self.method = path_at(endpoint, exchange, attempt).partition(b"?")[0].decode("ascii")
        self.metadata: Metadata = to_metadata([line for line in headers if line != _NO_HOST])
        self.own_deadline = False
        """The client's deadline is the one that counts."""

    def _left(self) -> float:
        """Seconds that the call has from now: of the client's deadline and ours the earlier. Raises Refusal."""
        exchange = self.exchange
        inbound, deadline = exchange.inbound, exchange.deadline
        assert deadline is not None
        asked = inbound.deadline
        if inbound.protocol != "grpc":
            seconds = parse_timeout(inbound.header(b"grpc-timeout") or b"")
            asked = None if seconds is None else exchange.started + seconds
        self.own_deadline = asked is not None and asked <= deadline
        left = (asked if asked is not None and self.own_deadline else deadline) - exchange.house.clock.now()
        if left <= 0:
            raise Refusal("upstream_timeout", "The deadline has passed.", reason="total timeout: nothing was sent")
        return left - min(_SHARE * left, _MOST)  # the upstream's status still reaches the client in time

    async def _ready(self) -> Waits:
        """Once there is a connection: nothing was sent so far, so another endpoint may be tried instead."""
        dispatch = self.service.dispatch(self.chain)
        await self.channel.ready(min(dispatch.connect, self._left()))
        return Waits(dispatch.first_byte, dispatch.idle)

    async def relay(self) -> Reply:
        """A reply that relays messages both ways."""
        waits = await self._ready()
        return Relay(200, [], OneFrame(), calling=self, waits=waits)

    async def ask(self) -> Reply:
        """The reply to a gRPC-web client."""
        waits = await self._ready()
        message = await one_message(self.exchange.inbound, self.service.max_message)
        call = self.channel.ask(self.method, message, self.metadata, self._left(), waits)
        try:
            head = await call.head()
        except BaseException:
            call.close()
            raise
        reply = WebReply(200, head, _NOTHING)
        reply.answers(self.exchange, call, self.ended)
        return reply

    def begin(self, waits: Waits) -> Call:
        """The call itself. Raises Refusal."""
        return self.channel.call(self.method, self.metadata, self._left(), waits)

    def headed(self) -> None:
        """The upstream has said its first word."""
        now = self.exchange.house.clock.now()
        self.exchange.numbers.upstream_head = self.attempt.numbers.upstream_head = now

    def ended(self, code: int) -> None:
        """The call has ended with this status."""
        self.service.finished(self.attempt, self.chain, code, own_deadline=self.own_deadline)


_NOTHING: Frames = OneFrame()


class Relay(Duplex, kw_only=True, eq=False):
    """Client and upstream, message after message each way, until the upstream says how it ended."""

    calling: Calling
    waits: Waits

    async def run(self, client: Channel) -> None:
        """Relay until the upstream's status; raises Refusal upstream_timeout or overloaded, Gone."""
        calling = self.calling
        call = calling.begin(self.waits)
        try:
            cancel = calling.service.supervisor.spawn(_upload(call, client), "gRPC requests")
            try:
                await self._download(call, client)
            finally:
                cancel()
        except Refusal as refusal:
            calling.ended(refusal.rendering.grpc)
            raise
        finally:
            call.close()
        status = call.status
        assert status is not None
        calling.ended(status.code)
        await client.close(status.code, status.message, status.trailers)

    async def _download(self, call: Call, client: Channel) -> None:
        head = await call.head()
        self.calling.headed()
        if head or call.status is None:  # else it is a status and nothing besides
            await client.metadata(head)
        while (message := await call.read()) is not None:
            await client.send(Message(message))


async def _upload(call: Call, client: Channel) -> None:
    """The client's messages on their way to the upstream; its leaving is never taken for the end of its messages."""
    try:
        while (message := await client.receive()) is not None:
            if not await call.write(message.data):
                return
        await call.done_writing()
    except Gone:
        call.close()
