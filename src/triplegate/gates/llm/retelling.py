"""Answers told from events: what was remembered, or what somebody else is being answered, in the caller's dialect."""

from typing import Protocol

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Encoder, Frame, Frames, Headers, OneFrame, Reply
from triplegate.core.watching import Events, Watched, watched_of
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.telling import standings
from triplegate.wire.codec import Shape, Writer
from triplegate.wire.neutral_events import Event, Start

_PIECES = 32
"""Events written at once, so that a long answer streams as one."""


class Retold(Frames):
    """A streamed answer, written as its events come."""

    __slots__ = ("_events", "_pending", "_watched", "_writer", "ended")

    def __init__(self, events: Events, writer: Writer, watched: Watched | None) -> None:
        self._events, self._writer, self._watched = events, writer, watched
        self._pending: list[Event] = list(events.whole) if events.whole is not None else []
        self.ended = False
        self.done = False

    @property
    def ready(self) -> bool:
        """Whether something may be had without waiting."""
        return bool(self._pending) or self._events.whole is not None

    async def __anext__(self) -> bytes:
        """The next bytes. Raises Refusal when the answer broke off or may not be told."""
        while not self.done:
            written = await self._next()
            if written:
                return written
        raise StopAsyncIteration

    async def _next(self) -> bytes:
        pending = self._pending
        if not pending and self._events.whole is None:
            pending = self._pending = await self._events.next()
        if not pending:
            return await self._end()
        now, self._pending = pending[:_PIECES], pending[_PIECES:]
        return self._written(now if self._watched is None else self._watched.feed(now))

    async def _end(self) -> bytes:
        rest: list[Event] = []
        if self._watched is not None:
            rest = await self._watched.end()
        self.done = True
        return self._written(rest) + self._writer.finish()

    def _written(self, events: list[Event]) -> bytes:
        return b"".join([self._writer.feed(event) for event in events])

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event."""
        return self._writer.fail(refusal)

    def close(self) -> None:
        """Nobody waits any more."""
        self._events.close()


class Telling(Protocol):
    """Frames that are the client's bytes already."""

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event."""
        ...


class RetoldEncoder(Encoder):
    """The bytes are the client's already; a failure is told in its dialect."""

    __slots__ = ("_frames",)

    def __init__(self, frames: Telling) -> None:
        self._frames = frames

    def feed(self, frame: Frame) -> bytes:
        """As they are."""
        return frame  # type: ignore[no-any-return]

    def fail(self, refusal: Exception) -> bytes:
        """The dialect's error event."""
        known = refusal if isinstance(refusal, Refusal) else Refusal("internal", "The gateway failed.")
        return self._frames.fail(known)


class Fresh(Events):
    """What is there, under an id of its own: two answers never share one."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Events) -> None:
        self._inner = inner
        self.whole = None if inner.whole is None else [_anonymous(event) for event in inner.whole]

    async def next(self) -> list[Event]:
        """The next ones."""
        return [_anonymous(event) for event in await self._inner.next()]

    def close(self) -> None:
        """Nobody wants more."""
        self._inner.close()


def _anonymous(event: Event) -> Event:
    return Start("", event.model, 0, event.service_tier) if isinstance(event, Start) else event


async def retold(exchange: Exchange, call: LlmCall, told: Events) -> Reply:
    """The reply of `call` from events. Raises Refusal of those who look at it."""
    codec = call.endpoint.codec
    assert codec is not None
    events = Fresh(told)
    watched = watched_of(exchange.looks)
    shape = Shape(call.model, exchange.id, int(exchange.house.clock.wall()), call.wants_usage, call.request())
    own: Headers = [(b"server", b"triplegate"), *standings(exchange, call.endpoint.family)]
    if call.streamed:
        frames = Retold(events, codec.writer(shape), watched)
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), *own]
        return Reply(200, headers, frames, source="cache")
    seen: list[Event] = list(events.whole) if events.whole is not None else await _all(events)
    if watched is not None:
        seen = watched.feed(seen)
        seen += await watched.end()
    content = codec.write_reply(seen, shape)
    return Reply(200, [(b"content-type", b"application/json"), *own], OneFrame(content), source="cache")


async def _all(events: Events) -> list[Event]:
    found: list[Event] = []
    while more := await events.next():
        found += more
    return found
