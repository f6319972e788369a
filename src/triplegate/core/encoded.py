"""A reply's frames as its client would get them, for whoever reads a reply inside the process."""

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Encoder, Frames, Reply


class Encoded(Frames):
    """Each frame passes the gate's encoder, which counts and books as it does for a client.

    Fields that are promised to the client, its cost among them, are on the reply once its end was read.
    """

    __slots__ = ("_encoder", "_exchange", "_frames", "_reply")

    def __init__(self, exchange: Exchange, reply: Reply, encoder: Encoder) -> None:
        self._exchange, self._reply, self._encoder = exchange, reply, encoder
        self._frames = reply.frames
        self.done = False

    @property
    def ready(self) -> bool:
        """Whether more is here."""
        return self._frames.ready

    async def comes(self, within: float) -> bool:
        """Whether more is here in time."""
        return await self._frames.comes(within)

    def bear(self, silence: float) -> None:
        """Somebody else is waited for."""
        self._frames.bear(silence)

    async def __anext__(self) -> bytes:
        """The next bytes. Raises Refusal, which is noted as the exchange's own."""
        while not self.done:
            content = await self._next()
            if content or self.done:
                return content
        raise StopAsyncIteration

    async def _next(self) -> bytes:
        try:
            content = b"" if self._frames.done else self._encoder.feed(await self._frames.__anext__())
            if self._frames.done:
                content += self._end()
        except StopAsyncIteration:
            content = self._end()
        except Refusal as refusal:
            self._exchange.refusal = self._exchange.refusal or refusal
            raise
        self._exchange.numbers.bytes_out += len(content)
        return content

    def _end(self) -> bytes:
        self.done = True
        rest = self._encoder.finish()
        self._reply.headers = self._reply.headers + self._exchange.reply_headers
        return rest

    def close(self) -> None:
        """The rest is not wanted."""
        self._frames.close()
