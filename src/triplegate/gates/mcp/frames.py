"""The bodies of tool calls as they pass: whole events, large results with a new beginning."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable

from triplegate.core.errors import Refusal
from triplegate.core.http import Encoder, Frame, Frames, OneFrame
from triplegate.wire.jsonrpc import write_error
from triplegate.wire.mcp_links import OVERLAP, may_link
from triplegate.wire.sse import SseCutter, data_of, spans, write_event

LARGEST_EVENT = 16 * 1024 * 1024
_TRIES = 5  # times that a stream is taken up again without anything new


class Around(Frames):
    """Frames around others: what is asked of these is asked of those."""

    __slots__ = ()
    _rest: Frames

    @property
    def ready(self) -> bool:
        """As the others are."""
        return self._rest.ready

    def bear(self, silence: float) -> None:
        """As the others do."""
        self._rest.bear(silence)

    def close(self) -> None:
        """Nobody wants the rest."""
        self._rest.close()


class PrefixFrames(Around):
    """A body of which the beginning is here already."""

    __slots__ = ("_prefix", "_rest")

    def __init__(self, prefix: bytes, rest: Frames) -> None:
        self._prefix: bytes | None = prefix
        self._rest = rest
        self.done = False

    @property
    def ready(self) -> bool:
        """The beginning is."""
        return self._prefix is not None or super().ready

    async def __anext__(self) -> Frame:
        """The beginning, then the rest as it comes."""
        prefix = self._prefix
        if prefix is not None:
            self._prefix = None
            self.done = self._rest.done
            return prefix
        frame = await self._rest.__anext__()
        self.done = self._rest.done
        return frame


class UnlinkedFrames(Around):
    """The rest of a body that is too large to be read whole; one that may ask a user to follow a link breaks off."""

    __slots__ = ("_rest", "_tail")

    def __init__(self, before: bytes, rest: Frames) -> None:
        self._rest, self._tail = rest, before[-OVERLAP:]
        self.done = rest.done

    async def __anext__(self) -> bytes:
        """The next piece. Raises Refusal upstream_malformed."""
        frame: bytes = await self._rest.__anext__()
        text = self._tail + frame
        if may_link(text):
            raise Refusal(
                "upstream_malformed", "The upstream's answer is malformed.", reason="a large answer that asks"
            )
        self._tail = text[-OVERLAP:]
        self.done = self._rest.done
        return frame


class Told(Frames):
    """A stream of events that ends with the response to a call."""

    __slots__ = ("answered",)
    answered: bool
    """True once the response has passed: what fails after it is no news to the client."""


class TurnedFrames(Around, Told):
    """A stream around another, of which each event is turned as soon as it is whole.

    What must not pass ends it as the call's own error.
    """

    __slots__ = ("_cutter", "_id", "_rest")

    def __init__(self, rest: Frames, identity: bytes) -> None:
        """`identity`: the raw id of the call."""
        self._rest, self._id = rest, identity
        self._cutter = SseCutter(LARGEST_EVENT)
        self.answered = self.done = False

    async def __anext__(self) -> bytes:
        """The next whole events. Raises what the stream behind raises."""
        while not self.done:
            chunk: bytes = await self._rest.__anext__()
            self.done = self._rest.done
            answered = self._rest.answered if isinstance(self._rest, Told) else self.done
            block = self._cutter.feed(chunk)
            turned = await self._turned(block) if block else b""
            self.answered = self.answered or answered
            if turned or self.done:
                return turned
        raise StopAsyncIteration

    async def _turned(self, block: bytes) -> bytes:
        turned: list[bytes] = []
        for start, end in spans(block):
            event = block[start:end]
            try:
                turned.append(await self._event(event, data_of(event)))
            except Refusal as refusal:
                turned.append(write_event(write_error(refusal, self._id), "message"))
                self.answered = self.done = True
                self._rest.close()
                break
        return b"".join(turned)

    @abstractmethod
    async def _event(self, event: bytes, data: bytes) -> bytes:
        """The event as it goes on; empty where it does not. Raises Refusal."""


Again = Callable[[], Awaitable[Frames | None]]


class EventFrames(Around, Told):
    """An event stream, passed on event by event as soon as each is whole."""

    __slots__ = ("_again", "_cut", "_cutter", "_rest", "_tries", "_turn")

    def __init__(
        self,
        rest: Frames,
        turn: Callable[[bytes], tuple[bytes, bool]],
        cut: Callable[[], None],
        again: Again | None = None,
    ) -> None:
        """`turn`: whole events → what the client gets, and whether the response was among them; `cut`: nobody waits.

        `again`: the rest of a stream that ended without the response, or None where the client will fetch it.
        """
        self._rest, self._turn, self._again = rest, turn, again
        self._cut: Callable[[], None] | None = cut
        self._cutter = SseCutter(LARGEST_EVENT)
        self._tries = 0
        self.answered = self.done = False

    async def __anext__(self) -> bytes:
        """The next whole events. Raises Refusal upstream_reset when the stream ends without the response."""
        while not self.done:
            try:
                chunk = await self._rest.__anext__()
            except StopAsyncIteration:
                await self._end()
                continue
            except Refusal as refusal:
                if refusal.code != "upstream_reset":
                    raise
                await self._end()
                continue
            block = self._cutter.feed(chunk)
            turned = self._pass(block) if block else b""
            if self._rest.done and not self.done:
                await self._end()
            if turned or self.done:
                return turned
        raise StopAsyncIteration

    def _pass(self, block: bytes) -> bytes:
        turned, answered = self._turn(block)
        self.answered = self.answered or answered
        self._tries = 0
        return turned

    async def _end(self) -> None:
        """Done with the response; else the stream is taken up again where its server lets us."""
        if self.answered:
            self.done = True
            return
        if self._again is None or self._tries >= _TRIES:
            raise Refusal("upstream_reset", "The upstream ended its stream before the answer.", reason="no response")
        self._tries += 1
        self._rest.close()
        rest = await self._again()
        if rest is None:
            self.done, self._cut = True, None
        else:
            self._rest, self._cutter = rest, SseCutter(LARGEST_EVENT)

    def release(self) -> tuple[Frames, SseCutter]:
        """The server's stream from here on, for somebody else to read: this one is at its end."""
        rest, cutter = self._rest, self._cutter
        self._rest, self._cut, self.answered, self.done = OneFrame(), None, True, True
        return rest, cutter

    def close(self) -> None:
        """Give the connection up; an upstream that still works is told so."""
        cut, self._cut = self._cut, None
        if cut is not None and not self.answered:
            cut()
        super().close()


class EventEncoder(Encoder):
    """Events pass; a failure is told as the call's own JSON-RPC error."""

    __slots__ = ("_frames", "_id")

    def __init__(self, frames: Told, identity: bytes) -> None:
        self._frames, self._id = frames, identity

    def fail(self, refusal: Exception) -> bytes | None:
        """An error event; nothing when the answer has passed already."""
        if self._frames.answered:
            return b""
        if not isinstance(refusal, Refusal):
            refusal = Refusal("internal", "The gateway failed.")
        return write_event(write_error(refusal, self._id), "message")
