"""A request body as it comes from a client: its size and its pace bounded, whichever server reads it."""

from abc import abstractmethod
from collections.abc import AsyncIterator

from triplegate.core.errors import Refusal
from triplegate.core.http import Body


class ClientBody(Body):
    """What the bodies of all servers have in common; a server says how the next piece is had."""

    __slots__ = ("_idle", "_kept", "_limit", "_rate", "_size", "_waited", "kind", "length", "started")

    def __init__(self, length: int | None, limit: int, idle: float, rate: int) -> None:
        """`limit` in bytes, `idle` in seconds, `rate` in bytes a second, as EdgeLimits has them."""
        self._limit, self._idle, self._rate = limit, idle, rate
        self._kept: bytes | None = None
        self._size = 0
        self._waited = 0.0
        """Seconds spent waiting for the client."""
        self.kind = "one_pass"
        self.length = length
        self.started = False

    @abstractmethod
    async def _next(self) -> tuple[bytes, bool]:
        """The next piece, and whether more follow; waits are bounded and added to `_waited`.

        Raises Gone, or Refusal body_timeout or malformed_request.
        """

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; each wait is bounded by the sweep."""
        return Pieces(self)

    async def piece(self) -> tuple[bytes, bool]:
        """The next piece, and whether more follow. Raises as `_next`, and Refusal body_too_large."""
        if self._kept is not None:
            return self._kept, False
        if self.length is not None and self.length > self._limit:
            raise self._too_large()
        self.started = True
        content, more = await self._next()
        self._weigh(content, more=more)
        return content, more

    def _weigh(self, content: bytes, *, more: bool) -> None:
        """A piece has come. Raises Refusal body_too_large, body_timeout or malformed_request."""
        size = self._size = self._size + len(content)
        if size > self._limit:
            raise self._too_large()
        if more:
            self._check_rate(size)
        elif self.length is not None and size != self.length:
            raise Refusal("malformed_request", "The body is shorter than its Content-Length.")

    def allow(self, limit: int) -> None:
        """Another bound than the listener's."""
        self._limit = limit

    def _too_large(self) -> Refusal:
        return Refusal("body_too_large", f"The body may have at most {self._limit} bytes.")

    def _check_rate(self, size: int) -> None:
        """A client that drips its body, each piece within the idle time, would hold a place for hours."""
        if self._waited > self._idle and size < self._rate * self._waited:
            raise Refusal("body_timeout", f"The body came with less than {self._rate} bytes a second.")

    async def whole(self, limit: int) -> bytes:
        """All of it, kept: from then on the body is replayable."""
        if self._kept is None:
            limit = min(limit, self._limit)
            if self.length is not None and self.length > limit:
                raise Refusal("body_too_large", f"The body may have at most {limit} bytes.")
            parts: list[bytes] = []
            more = self.started = True
            while more:
                content, more = await self._next()
                self._weigh(content, more=more)
                parts.append(content)
                if self._size > limit:
                    raise Refusal("body_too_large", f"The body may have at most {limit} bytes.")
            self._kept = parts[0] if len(parts) == 1 else b"".join(parts)
            self.kind = "replayable"
            self.started = False
        return self._kept


class Pieces:
    """A body piece by piece; no generator, because the loop keeps account of each of those, at 5 µs a request."""

    __slots__ = ("_body", "_more")

    def __init__(self, body: ClientBody) -> None:
        self._body = body
        self._more = True

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        """The next piece with content."""
        while self._more:
            content, self._more = await self._body.piece()
            if content:
                return content
        raise StopAsyncIteration
