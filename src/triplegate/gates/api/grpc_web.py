"""gRPC-web: one request message in, messages out as they come, the status in a last frame."""

from collections.abc import Callable
from typing import Protocol

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Encoder, Frames, Headers, Inbound, Reply
from triplegate.upstreams.grpc import Call
from triplegate.wire.grpc import status_fields, to_http
from triplegate.wire.grpcweb import COMPRESSED, MESSAGE, Decoder, as_text, frame, kind_of, trailer_frame, wants_text

_ALLOW = (b"allow", b"POST")


class Ended(Protocol):
    """Called with the status a call ended with."""

    def __call__(self, code: int) -> None:
        """See it."""


def web_request(inbound: Inbound) -> None:
    """Raise the Refusal of what is not a gRPC-web request."""
    if inbound.method != "POST":
        raise Refusal("method_not_supported", "gRPC-web is spoken by POST.", headers=[_ALLOW])
    if kind_of(inbound.header(b"content-type")) is None:
        raise Refusal("unsupported_media_type", "This is a gRPC service: application/grpc-web is understood here.")


async def one_message(inbound: Inbound, limit: int) -> bytes:
    """The one message of a request. Raises Refusal."""
    decoder = Decoder(text=bool(kind_of(inbound.header(b"content-type"))), limit=limit)
    found: list[tuple[int, bytes]] = []
    async for content in inbound.body.chunks():
        found += decoder.feed(content)
        if len(found) > 1:
            raise Refusal("invalid_body", "A gRPC-web request holds one message: its client cannot stream.")
    decoder.end()
    if not found:
        raise Refusal("invalid_body", "The request holds no message.")
    flag, message = found[0]
    if flag == COMPRESSED:
        raise Refusal("unsupported_media_type", "Compressed messages are not understood here.")
    if flag != MESSAGE:
        raise Refusal("invalid_body", "The request holds no message.")
    return message


class WebReply(Reply, eq=False):
    """A reply whose HTTP status is always 200: how the call ended is known at its end only."""

    def answers(self, exchange: Exchange, call: Call, ended: Ended) -> None:
        """Fill it with what `call` says."""
        inbound = exchange.inbound
        sent_text = bool(kind_of(inbound.header(b"content-type")))
        text = wants_text(inbound.header(b"accept"), sent_text=sent_text)
        kind = b"application/grpc-web-text+proto" if text else b"application/grpc-web+proto"
        self.headers = [*self.headers, (b"content-type", kind), (b"cache-control", b"no-store")]
        self.frames = WebFrames(call, WebEncoder(text=text), lambda code: self._end(exchange, ended, code))

    def _end(self, exchange: Exchange, ended: Ended, code: int) -> None:
        """From here on it has the status that records and metrics see."""
        self.status = exchange.numbers.status = to_http(code)
        ended(code)


class WebEncoder(Encoder):
    """Frames in the binary or the text form; also tells a failure after the head."""

    __slots__ = ("_text",)

    def __init__(self, *, text: bool) -> None:
        self._text = text

    def put(self, content: bytes) -> bytes:
        """A whole frame in the form that is spoken."""
        return as_text(content) if self._text else content

    def end(self, code: int, message: str, trailers: Headers) -> bytes:
        """The last frame."""
        return self.put(trailer_frame(status_fields(code, message, trailers)))

    def fail(self, refusal: Exception) -> bytes | None:
        """A status as the last frame."""
        if isinstance(refusal, Refusal):
            return self.end(refusal.rendering.grpc, refusal.detail, [])
        return None


class WebFrames(Frames):
    """The messages of a call as frames, and its status as the last one."""

    __slots__ = ("_call", "_ended", "encoder")

    def __init__(self, call: Call, encoder: WebEncoder, ended: Callable[[int], None]) -> None:
        self._call, self._ended = call, ended
        self.encoder = encoder
        self.done = False

    @property
    def ready(self) -> bool:
        """The head goes at once: the first message may be long in coming."""
        return False

    async def __anext__(self) -> bytes:
        """The next frame. Raises Refusal upstream_timeout."""
        if self.done:
            raise StopAsyncIteration
        try:
            message = await self._call.read()
        except Refusal as refusal:
            self._ended(refusal.rendering.grpc)
            raise
        if message is not None:
            return self.encoder.put(frame(message))
        status = self._call.status
        assert status is not None
        self.done = True
        self._ended(status.code)
        return self.encoder.end(status.code, status.message, status.trailers)

    def close(self) -> None:
        """Cancel the call, if it is not over."""
        self._call.close()
