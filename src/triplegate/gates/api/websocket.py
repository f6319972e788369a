"""WebSocket at the api gate: a channel to one endpoint of the service, relayed message by message."""

from collections.abc import Iterable

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Headers, Reply
from triplegate.gates.api.service import Service, path_at, used
from triplegate.gates.relay import Relay
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
