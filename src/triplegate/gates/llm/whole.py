"""A reply that is not streamed: gathered before anyone sees it, so that a failure in it can be mended unseen."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames
from triplegate.core.usage import Usage

MOST = 1_048_576
"""Bytes of a reply that are gathered; a larger one streams."""
MOST_TRANSLATED = 33_554_432
"""Bytes of a reply that must be translated, and so be had whole."""
MOST_ERROR = 65_536
_TAIL = 16_384


class Seen(msgspec.Struct):
    """What is known of a reply once it has passed, or so far."""

    usage: Usage | None = None
    size: int = 0
    whole: bool = False
    """All of it was seen before its head went out."""
    model: str = ""
    """What answered, in the provider's words; of relayed answers only where the call is sampled."""
    id: str = ""
    finish_reason: str = ""


async def gathered(frames: Frames, most: int) -> tuple[bytes, bool]:
    """Up to about `most` bytes of `frames`, and whether that is all. Raises Refusal upstream_*."""
    pieces: list[bytes] = []
    size = 0
    async for piece in frames:
        pieces.append(piece)
        size += len(piece)
        if frames.done or size > most:
            return piece if size == len(piece) else b"".join(pieces), frames.done
    return b"".join(pieces), True


class Large(Frames):
    """A reply too large to gather: what was read of it, then the rest; its tail is kept, because usage stands there."""

    __slots__ = ("_first", "_frames", "_tail", "seen")

    def __init__(self, first: bytes, frames: Frames, seen: Seen) -> None:
        self._first, self._frames, self.seen = first, frames, seen
        self._tail = b""
        self.done = False

    async def __anext__(self) -> bytes:
        """The next bytes as they came."""
        if self._first:
            piece, self._first = self._first, b""
        else:
            piece = await self._frames.__anext__()
            self.done = self._frames.done
        self.seen.size += len(piece)
        self._tail = (self._tail + piece[-_TAIL:])[-_TAIL:]
        return piece

    def tail(self) -> bytes:
        """The `usage` object near the end, as a reply of its own; empty when there is none."""
        return usage_tail(self._tail)

    def close(self) -> None:
        """Gives the connection back, or aborts it."""
        self._frames.close()


class Passing(Frames):
    """An answer that is no text: it passes as it comes, and its bytes are counted."""

    __slots__ = ("_frames", "seen")

    def __init__(self, frames: Frames, seen: Seen) -> None:
        self._frames, self.seen = frames, seen
        self.done = frames.done

    @property
    def ready(self) -> bool:
        """Whether something may be had without waiting."""
        return self._frames.ready

    async def __anext__(self) -> bytes:
        """The next bytes as they came."""
        piece: bytes = await self._frames.__anext__()
        self.done = self._frames.done
        self.seen.size += len(piece)
        return piece

    def close(self) -> None:
        """Gives the connection back, or aborts it."""
        self._frames.close()


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Itself(msgspec.Struct, gc=False):
    """What a whole answer says of itself, in any client's dialect."""

    model: str | None = None
    id: str | None = None
    choices: list[_Choice] | None = None
    stop_reason: str | None = None
    status: str | None = None


UNFINISHED = frozenset({"queued", "in_progress"})
"""What a response is that goes on in the background."""
_itself = msgspec.json.Decoder(_Itself).decode


def introduce(seen: Seen, text: bytes) -> None:
    """Note what the answer `text` says of itself, as far as it can be read."""
    try:
        said = _itself(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    chosen = next((choice.finish_reason for choice in said.choices or () if choice.finish_reason), None)
    seen.model, seen.id = said.model or "", said.id or ""
    ended = said.status if said.status not in UNFINISHED else ""
    seen.finish_reason = chosen or said.stop_reason or ended or ""


def unfinished(text: bytes) -> str:
    """The id of a response that goes on in the background; empty for any other answer."""
    try:
        said = _itself(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return said.id or "" if said.status in UNFINISHED else ""


class _Told(msgspec.Struct, gc=False):
    error: msgspec.Raw = msgspec.Raw(b"")


_told = msgspec.json.Decoder(_Told).decode
_NO_ERROR = frozenset({b"", b"null"})


def check(text: bytes) -> None:
    """A body that is an answer: JSON, and no error in it. Raises Refusal upstream_malformed, upstream_failed."""
    try:
        error = bytes(_told(text).error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise Refusal("upstream_malformed", "The provider's answer is no JSON.", reason=str(broken)) from broken
    if error not in _NO_ERROR:
        raise Refusal("upstream_failed", "The provider failed.", reason=error[:512].decode("utf-8", "replace"))


def usage_tail(tail: bytes) -> bytes:
    """The last `usage` object of a reply's end alone, as a reply of its own."""
    place = tail.rfind(b'"usage"')
    start = tail.find(b"{", place)
    if place < 0 or start < 0:
        return b""
    depth = 0
    for end in range(start, len(tail)):
        depth += (tail[end] == 0x7B) - (tail[end] == 0x7D)
        if depth == 0:
            return b'{"usage":' + tail[start : end + 1] + b"}"
    return b""
