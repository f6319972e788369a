"""A streamed reply whose head waits for the first content, so that a failure before it can be mended unseen."""

import asyncio

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames
from triplegate.gates.llm.failures import refusal_of
from triplegate.gates.llm.flow import Flow

_MOST_CHUNKS = 64
_MOST_BYTES = 262_144


class Streaming(Frames):
    """A flow's bytes for the client; what failed or was cut after content ends them with a refusal."""

    __slots__ = ("_deployment", "_ended", "_failure", "_frames", "_held", "_spent", "flow")

    def __init__(self, frames: Frames, flow: Flow, deployment: str) -> None:
        self._frames, self.flow, self._deployment = frames, flow, deployment
        self._held: list[bytes] = []
        self._ended = self._spent = False
        self._failure: Refusal | None = None
        self.done = False

    async def hold(self, seconds: float, most: float) -> None:
        """Read until content, the end, or a bound; what came is kept for the client.

        After `most` seconds the head goes out without content, and failures are told in-band from then on. Raises
        Refusal, and the connection is given up: of the provider's failure, upstream_timeout when no content came
        within `seconds`, upstream_reset or upstream_malformed.
        """
        try:
            async with asyncio.timeout(min(seconds, most)):
                await self._until_content()
        except TimeoutError:
            if most < seconds:
                return  # a wait that was broken off loses nothing: the frames can be awaited anew
            self.close()
            raise Refusal(
                "upstream_timeout", "The provider sent no content in time.", reason=f"idle: no content in {seconds:g} s"
            ) from None
        except BaseException:
            self.close()
            raise

    async def _until_content(self) -> None:
        flow, size = self.flow, 0
        while not (flow.content or self._ended or len(self._held) >= _MOST_CHUNKS or size >= _MOST_BYTES):
            piece = await self._next()
            if flow.error is not None and not flow.content:
                raise refusal_of(flow.error, self._deployment)
            self._held.append(piece)
            size += len(piece)

    async def _next(self) -> bytes:
        """The next bytes, possibly none; `_ended` once they are the last. A failure waits until they are given."""
        if self._failure is not None:
            raise self._failure
        frames, flow = self._frames, self.flow
        try:
            piece = flow.feed(await frames.__anext__())
        except StopAsyncIteration:
            self._ended = True
            return flow.finish()
        if flow.error is not None and not flow.tells:
            self._failure = refusal_of(flow.error, self._deployment)
        elif frames.done:
            try:
                piece += flow.finish()
                self._ended = True
            except Refusal as refusal:
                self._failure = refusal
        return piece

    @property
    def ready(self) -> bool:
        """Whether something may be had without waiting."""
        return bool(self._held) or self._failure is not None or self._frames.ready

    async def comes(self, within: float) -> bool:
        """Whether more is here in time, or an end."""
        return bool(self._held) or self._failure is not None or self._ended or await self._frames.comes(within)

    async def __anext__(self) -> bytes:
        """The next bytes for the client. Raises Refusal upstream_* for a stream that failed or was cut."""
        piece = b"".join(self._held)
        self._held.clear()
        while not piece and not self._ended:
            piece = await self._next()
        self.done = self._ended
        if not piece and self._spent:
            raise StopAsyncIteration
        self._spent = self._ended
        return piece

    def close(self) -> None:
        """Gives the connection back, or aborts it."""
        self._frames.close()
