"""A streamed reply whose head waits for the first content, so that a failure before it can be mended unseen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames
from triplegate.gates.llm.failures import refusal_of
from triplegate.gates.llm.flow import Flow


class Cutoff(Protocol):
    """Ends an answer for which nothing more can be set aside."""

    async def look(self) -> None:
        """Raises Refusal budget_exceeded."""
        ...


_MOST_CHUNKS = 64
_MOST_BYTES = 262_144


class Streaming(Frames):
    """A flow's bytes for the client; what failed or was cut after content ends them with a refusal."""

    __slots__ = (
        "_deployment",
        "_ended",
        "_failure",
        "_finished",
        "_first_token",
        "_frames",
        "_held",
        "_last",
        "_spent",
        "_until",
        "cutoff",
        "flow",
        "then",
    )

    def __init__(self, frames: Frames, flow: Flow, deployment: str) -> None:
        self._frames, self.flow, self._deployment = frames, flow, deployment
        self._held: list[bytes] = []
        self._ended = self._spent = self._finished = False
        self._last: bytes | None = None
        """What goes out with the verdicts that are waited for."""
        self._failure: Refusal | None = None
        self._first_token = 0.0
        self.cutoff: Cutoff | None = None
        """Looks at each piece whether it may still be paid for; None: nobody ends this answer."""
        self._until: float | None = None
        """When content must be there, by the loop's clock, where the head went out without any."""
        self.done = False
        self.then: Callable[[], Awaitable[None]] | None = None
        """To be done with each piece."""

    async def hold(self, seconds: float, most: float) -> None:
        """Read until content, the end, or a bound; what came is kept for the client.

        After `most` seconds the head goes out without content, and failures are told in-band from then on. Raises
        Refusal, and the connection is given up: of the provider's failure, upstream_timeout when no content came
        within `seconds`, upstream_reset or upstream_malformed.
        """
        self._first_token = seconds
        held = asyncio.timeout(min(seconds, most))
        try:
            async with held:
                await self._until_content()
        except TimeoutError:
            if most >= seconds:  # else nothing is lost: the frames can be awaited anew
                self.close()
                raise self._late() from None
        except BaseException:
            self.close()
            raise
        if not (self.flow.content or self._ended):
            self._until = (held.when() or 0.0) + max(0.0, seconds - most)

    def _late(self) -> Refusal:
        reason = f"idle: no content in {self._first_token:g} s"
        return Refusal("upstream_timeout", "The provider sent no content in time.", reason=reason)

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
        if self._last is not None:
            return await self._judged()
        frames, flow = self._frames, self.flow
        try:
            piece = flow.feed(await frames.__anext__())
        except StopAsyncIteration:
            piece = flow.finish()
            self._finished = True
        if flow.error is not None and not flow.tells:
            self._failure = refusal_of(flow.error, self._deployment)
        elif frames.done and not self._finished:
            try:
                piece += flow.finish()
                self._finished = True
            except Refusal as refusal:
                self._failure = refusal
        if flow.watched is not None and flow.error is None and (self._finished or flow.done):
            self._last = piece
            return await self._judged()
        self._ended = self._finished and self._failure is None
        return piece

    async def _judged(self) -> bytes:
        """The last bytes, once all verdicts are there: clients leave at the end marker, so it waits for them."""
        watched = self.flow.watched
        assert watched is not None
        assert self._last is not None
        piece = self._last
        try:
            piece += self.flow.tell(await watched.end())
        except Refusal as refusal:
            self._failure = refusal
        self._last, self._ended = None, self._finished and self._failure is None
        return piece

    async def _next_in_time(self, until: float) -> bytes:
        """The next bytes of a stream that still owes its first content. Raises Refusal upstream_timeout."""
        try:
            async with asyncio.timeout_at(until):
                piece = await self._next()
        except TimeoutError:
            raise self._late() from None
        if self.flow.content or self._ended:
            self._until = None
        elif asyncio.get_running_loop().time() >= until:
            raise self._late()
        return piece

    @property
    def ready(self) -> bool:
        """Whether something may be had without waiting."""
        return bool(self._held) or self._failure is not None or self._frames.ready

    async def comes(self, within: float) -> bool:
        """Whether more is here in time, or an end."""
        if self._held or self._failure is not None or self._ended:
            return True
        if self._until is None:
            return await self._frames.comes(within)
        left = max(0.0, self._until - asyncio.get_running_loop().time())
        return await self._frames.comes(min(within, left)) or left <= within

    async def __anext__(self) -> bytes:
        """The next bytes for the client. Raises Refusal upstream_* for a stream that failed, was cut or is late."""
        piece = b"".join(self._held)
        self._held.clear()
        while not piece and not self._ended:
            piece = await (self._next() if self._until is None else self._next_in_time(self._until))
        if self.cutoff is not None:
            await self.cutoff.look()
        self.done = self._ended
        if self.then is not None:
            await self.then()
        if not piece and self._spent:
            raise StopAsyncIteration
        self._spent = self._ended
        return piece

    def close(self) -> None:
        """Gives the connection back, or aborts it."""
        self._frames.close()
