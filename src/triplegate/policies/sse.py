"""Keep silent streams of events alive with comments, and tell browsers how soon to come back."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Duplex, Frames, Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.headers import is_event_stream

_COMMENT = b":\n\n"
_MARK = b"\xef\xbb\xbf"
"""The byte order mark that an event stream may begin with."""
_BLANK = (b"\n\n", b"\r\r", b"\n\r", b"\n\r\n", b"\r\r\n")
"""How a stream ends whose last line is a blank one: LF, CR and CRLF end lines."""


class Sse(Policy):
    """Keep streams of events alive: a comment for each `keep_alive` without a byte of the service's or provider's.

    Comments stand between events only. Apart from them and the retry hint every byte stays as it came.
    """

    use: Literal["sse"] = "sse"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"api", "llm"})
    keep_alive: Annotated[Duration, Field(ge=0.1, le=600.0)] = 15.0
    """Silence after which a comment is sent, and again; 100ms to 10m."""
    retry: Annotated[Duration, Field(ge=0.001, le=86_400.0)] | None = None
    """How soon browsers connect again after an end: a `retry` field at the begin of each stream, up to 1d."""

    def build(self, kit: Kit) -> Step:
        """A step that wraps the frames of streams of events."""
        idle = self.keep_alive
        hint = b"" if self.retry is None else b"retry: %d\n\n" % max(1, round(self.retry * 1000))

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            reply = await proceed(exchange)
            if _goes_on(reply) and exchange.inbound.method != "HEAD":
                reply.frames = Kept(reply.frames, idle, hint)
            return reply

        return step


def _goes_on(reply: Reply) -> bool:
    """Whether it is a stream of plain events that is still under way: nothing fits into coded bytes or a length."""
    if reply.status != 200 or isinstance(reply, Duplex) or reply.frames.done or not is_event_stream(reply.headers):
        return False
    return not any(name in (b"content-length", b"content-encoding") for name, _ in reply.headers)


class Kept(Frames):
    """The service's bytes, with a hint before them and comments in the silence between its events."""

    __slots__ = ("_begun", "_held", "_hint", "_idle", "_inner", "_tail")

    def __init__(self, inner: Frames, idle: float, hint: bytes) -> None:
        self._inner, self._idle, self._hint = inner, idle, hint
        self._tail = b"\n\n"
        """The last bytes that the service sent."""
        self._held: bytes | None = None
        """What may be the service's byte order mark, where something stands before it already."""
        self._begun = False
        self.done = False

    @property
    def within(self) -> Frames:
        """The service's."""
        return self._inner.within

    @property
    def ready(self) -> bool:
        """Whether a frame can be had without waiting; the hint always can."""
        return bool(self._hint) or self._inner.ready

    async def __anext__(self) -> bytes:
        """The hint, a comment when it is time for one, else what the service sent."""
        if self._hint:
            hint, self._hint, self._held = self._hint, b"", b""
            return hint
        inner = self._inner
        if self._tail.endswith(_BLANK) and not await inner.comes(self._idle):
            if not self._begun and self._held is None:
                self._held = b""
            return _COMMENT
        content: bytes = await anext(inner)
        self.done = inner.done
        self._begun = True
        if self._held is not None:
            content = self._unmarked(self._held + content)
        if content:
            self._tail = (self._tail + content[-3:])[-3:]
        return content

    def _unmarked(self, begin: bytes) -> bytes:
        """A mark stands for nothing but at the very begin; there it would become part of the first field's name."""
        if len(begin) < len(_MARK) and _MARK.startswith(begin) and not self.done:
            self._held = begin
            self._tail = b""
            return b""
        self._held = None
        return begin.removeprefix(_MARK)

    def close(self) -> None:
        """Close what is behind."""
        self._inner.close()
