"""What a provider compressed although it was asked not to: undone piece by piece, within bounds."""

import zlib

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, Reply

_MOST = 64 << 20
_STEP = 1 << 20
_GZIP_OR_ZLIB = 47  # zlib's window bits: the header says which
_KNOWN = frozenset({b"gzip", b"x-gzip", b"deflate"})


def decoded(reply: Reply) -> Reply:
    """The reply with its content as it was before compression. Raises Refusal upstream_malformed for codings unknown.

    Usage, errors and the end of a stream are read from the content, so it must be readable here.
    """
    codings = [value.strip().lower() for name, value in reply.headers if name == b"content-encoding"]
    if not codings or codings == [b"identity"]:
        return reply
    if len(codings) > 1 or codings[0] not in _KNOWN:
        reply.frames.close()
        raise _malformed(f"content-encoding {codings!r}")
    reply.headers = [line for line in reply.headers if line[0] not in (b"content-encoding", b"content-length")]
    if not reply.frames.done:
        reply.frames = Inflated(reply.frames)
    return reply


class Inflated(Frames):
    """Frames of the content of compressed frames; a bomb is refused, not unpacked."""

    __slots__ = ("_frames", "_full", "_left", "_waiting", "_zlib")

    def __init__(self, frames: Frames, most: int = _MOST) -> None:
        self._frames, self._left = frames, most
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._waiting = b""
        self._full = False  # the last step filled its bound: more may come out without more going in
        self.done = False

    @property
    def ready(self) -> bool:
        """Whether something may be had without waiting."""
        return self._full or bool(self._waiting) or self._frames.ready

    async def __anext__(self) -> bytes:
        """The next content. Raises Refusal upstream_malformed for what cannot be unpacked or is too much."""
        while True:
            if not self._waiting and not self._full:
                self._waiting = await self._more()
            try:
                content = self._zlib.decompress(self._waiting, _STEP)
            except zlib.error as error:
                raise _malformed(str(error)) from error
            self._waiting = self._zlib.unconsumed_tail
            self._full = len(content) == _STEP
            self._left -= len(content)
            if self._left < 0 or self._zlib.unused_data:
                raise _malformed("too much content, or more after its end")
            if content:
                return content

    async def _more(self) -> bytes:
        async for frame in self._frames:
            return frame  # type: ignore[no-any-return]
        if not self._zlib.eof:
            raise _malformed("the compressed content ends too early")
        self.done = True
        raise StopAsyncIteration

    def close(self) -> None:
        """Gives the connection back, or aborts it."""
        self._frames.close()


def _malformed(reason: str) -> Refusal:
    return Refusal("upstream_malformed", "The provider's answer cannot be unpacked.", reason=reason)
