"""WebSocket at the api gate: a channel to one endpoint of the service, relayed message by message."""

import asyncio
from collections.abc import Iterable

from triplegate.core.catalog import Target
from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Channel, Duplex, Headers, Reply
from triplegate.core.ports import Supervisor
from triplegate.gates.api.service import Service, path_at, used
from triplegate.upstreams.websocket import Bounds, Socket, open_websocket


def check_upgrade(exchange: Exchange, targets: Iterable[tuple[Target, int]]) -> None:
    """Raise the Refusal of the first service that takes no WebSocket, or none from this web page."""
    origin = exchange.inbound.header(b"origin")
    for target, _ in targets:
        service = target.wiring
        if not isinstance(service, Service):
            continue  # a share that leads nowhere says so itself
        options = service.websocket
        if options is None:
            raise Refusal("websocket_not_served", f"Service {target.name} is called without WebSocket.")
        if options.origins and origin is not None and origin.decode("latin-1").lower() not in options.origins:
            raise Refusal("forbidden_origin", "This web page may not open a WebSocket here.", reason=repr(origin))


async def dial(service: Service, exchange: Exchange, headers: Headers, chain: Chain, attempt: Attempt) -> Reply:
    """One try at one endpoint: a Relay, or what the upstream answered instead. Raises Refusal."""
    endpoint = service.begin(exchange, attempt, chain)
    options = service.websocket
    assert options is not None
    asked = open_websocket(
        endpoint.pool,
        path_at(endpoint, exchange, attempt),
        [(b"host", service.host_for(endpoint, exchange, attempt)), *headers],
        service.dispatch(chain),
        Bounds(options.max_message, options.idle, options.ping),
        exchange.deadline,
    )
    reply = await (asked if attempt.use is None else used(attempt.use, asked))
    if reply.status != 101:
        return reply
    assert isinstance(reply.frames, Socket)
    return Relay(101, reply.headers, reply.frames, socket=reply.frames, supervisor=service.supervisor)


class Relay(Duplex, kw_only=True, eq=False):
    """Client and upstream, message after message each way; what ends one side ends the other."""

    socket: Socket
    supervisor: Supervisor

    async def run(self, client: Channel) -> None:
        """Relay both ways until one side ends, then close the other. Raises Refusal, Gone."""
        socket = self.socket
        upward = _Upward(socket, client)
        cancel = self.supervisor.spawn(upward.run(), "websocket")
        try:
            while (message := await socket.receive()) is not None:
                await client.send(message)
        except asyncio.CancelledError:
            socket.end(1001, "")  # the gateway ends it: the drain, say; what was cut already stays cut
            raise
        finally:
            cancel()
        if upward.error is not None:
            raise upward.error
        last = socket.last
        assert last is not None
        await client.close(last.code, last.reason)


class _Upward:
    """The client's messages on their way to the upstream."""

    __slots__ = ("_client", "_relay", "_socket", "error")

    def __init__(self, socket: Socket, client: Channel) -> None:
        self._socket, self._client = socket, client
        self._relay = asyncio.current_task()
        self.error: Exception | None = None
        """What broke on this side."""

    async def run(self) -> None:
        """Until the client ends, leaves or breaks something; each ends the upstream's side too."""
        socket, client = self._socket, self._client
        try:
            while (message := await client.receive()) is not None:
                await socket.send(message)
            socket.end(*client.ended)
        except Gone:
            socket.abort()
            if self._relay is not None:
                self._relay.cancel()  # it may be waiting for a client that takes nothing any more
        except Refusal as refusal:
            socket.fail(refusal, 1001)
        except Exception as error:  # noqa: BLE001 - raised where the exchange's own task is
            self.error = error
            socket.end(1011, "")
