"""Refusals of the api gate in gRPC's words: a status without messages before it."""

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Reply
from triplegate.wire.grpc import status_fields
from triplegate.wire.grpcweb import kind_of
from triplegate.wire.ratelimit import retry_after


def grpc_reply(exchange: Exchange, refusal: Refusal) -> Reply:
    """Trailers only. To a gRPC-web client they are the head of an empty HTTP 200, to a gRPC client its trailers."""
    fields = status_fields(refusal.rendering.grpc, refusal.detail, list(refusal.headers))
    if refusal.retry_after is not None:
        fields.append((b"retry-after", retry_after(refusal.retry_after, exchange.standings)))
    inbound = exchange.inbound
    if inbound.protocol == "grpc":
        return Reply(refusal.status, fields, OneFrame(), source="local")
    sent = inbound.header(b"content-type") or b""
    text = kind_of(sent)
    kind = sent if text is None else b"application/grpc-web-text+proto" if text else b"application/grpc-web+proto"
    fields += [(b"content-type", kind), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    return Reply(200, [*fields, (b"server", b"triplegate")], _Told(exchange, refusal.status), source="local")


class _Told(OneFrame):
    """No content; what records and metrics see is what the status means in HTTP."""

    __slots__ = ("_exchange", "_status")

    def __init__(self, exchange: Exchange, status: int) -> None:
        super().__init__()
        self._exchange, self._status = exchange, status
        self.done = False

    async def __anext__(self) -> bytes:
        """Nothing, after the head."""
        self.done = True
        self._exchange.numbers.status = self._status
        return b""
