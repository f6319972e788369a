"""Compress replies on their way to the client."""

import asyncio
import zlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field

from triplegate.config.types import Size, Worded
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Duplex, Frames, Headers, Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.accept_encoding import choose

_ON_LOOP = 65_536
"""Bytes that are compressed in the loop: 1-2 ms; larger pieces go to a thread."""
_CHANGED = frozenset(
    {b"content-length", b"accept-ranges", b"content-md5", b"digest", b"content-digest", b"repr-digest"}
)
"""Fields that say something of the plain bytes."""
_BODILESS = frozenset({101, 204, 205, 206, 304})
_STREAMS = frozenset({b"text/event-stream", b"application/x-ndjson", b"application/jsonl", b"application/stream+json"})

MediaType = Annotated[
    str, Worded(r"[a-z0-9!#$&^_.+-]+/(?:\*|[a-z0-9!#$&^_.+-]+)", "a media type or text/*", longest=128, lower=True)
]


class Compressor(Protocol):
    """What zlib, brotli and zstandard have in common."""

    def compress(self, content: bytes) -> bytes:
        """Bytes for the client; may be empty."""
        ...

    def flush(self, end: bool) -> bytes:
        """What was held back; with `end` the last of all."""
        ...


class Compress(Policy):
    """Compress replies whose content type is listed, in the coding that the client wants most (RFC 9110 §12.5.3)."""

    use: Literal["compress"] = "compress"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.EDGE
    gates: ClassVar = frozenset({"api"})
    codings: Annotated[tuple[Literal["zstd", "br", "gzip"], ...], Field(min_length=1)] = ("zstd", "br", "gzip")
    """Codings offered; the first wins where the client has no preference."""
    types: Annotated[tuple[MediaType, ...], Field(min_length=1, max_length=64)] = (
        "text/*",
        "application/json",
        "application/problem+json",
        "application/javascript",
        "application/xml",
        "image/svg+xml",
    )
    """Content types that are compressed."""
    min_size: Size = 1024
    """Bytes below which it does not pay."""
    streams: bool = False
    """Whether event streams and lines of JSON are compressed too, each piece for itself."""

    def build(self, kit: Kit) -> Step:
        """A step that wraps the reply's frames."""
        offered = tuple(coding.encode() for coding in self.codings)

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            reply = await proceed(exchange)
            kind = self._kind(exchange, reply)
            if kind is None:
                return reply
            _vary(reply.headers)
            wanted = exchange.inbound.header(b"accept-encoding")
            coding = None if wanted is None else choose(wanted, offered)
            if coding is not None and not await self._too_small(reply):
                reply.headers = _described(reply.headers, coding)
                reply.frames = Compressed(reply.frames, _MAKERS[coding](), each=kind in _STREAMS)
            return reply

        return step

    def _kind(self, exchange: Exchange, reply: Reply) -> bytes | None:
        """The media type of a reply that may be compressed; None for all others."""
        if reply.form != "bytes" or reply.status in _BODILESS or exchange.inbound.method == "HEAD":
            return None
        if isinstance(reply, Duplex):
            return None
        kind = b""
        for name, value in reply.headers:
            if name in (b"content-encoding", b"content-range"):
                return None
            if name == b"cache-control" and b"no-transform" in value.lower():
                return None
            if name == b"content-type":
                kind = value.partition(b";")[0].strip().lower()
        if kind in _STREAMS:
            return kind if self.streams else None
        text = kind.decode("latin-1")
        return kind if text in self.types or text.partition("/")[0] + "/*" in self.types else None

    async def _too_small(self, reply: Reply) -> bool:
        for name, value in reply.headers:
            if name == b"content-length":
                return int(value) < self.min_size
        frames = reply.frames
        if frames.done or not frames.ready:  # what comes by and by is not waited for
            return frames.done
        try:
            first = await anext(frames, b"")
        except BaseException:
            frames.close()
            raise
        reply.frames = _Again(first, frames)
        return frames.done and len(first) < self.min_size  # type: ignore[unreachable]  # it became so


class _Again(Frames):
    """Frames of which the first has been looked at."""

    __slots__ = ("_first", "_rest")

    def __init__(self, first: bytes, rest: Frames) -> None:
        self._first: bytes | None = first
        self._rest = rest
        self.done = False

    @property
    def ready(self) -> bool:
        """The first one is here."""
        return self._first is not None or self._rest.ready

    async def __anext__(self) -> Any:
        """The first one, then the others."""
        first, self._first = self._first, None
        if first is None:
            first = await anext(self._rest)
        self.done = self._rest.done
        return first

    def close(self) -> None:
        """Close what is behind."""
        self._rest.close()


class Compressed(Frames):
    """Frames on their way through a compressor; nothing is held back while the next one is waited for."""

    __slots__ = ("_compressor", "_each", "_inner")

    def __init__(self, inner: Frames, compressor: Compressor, *, each: bool) -> None:
        self._inner, self._compressor, self._each = inner, compressor, each
        self.done = False

    @property
    def ready(self) -> bool:
        """Whether a frame can be had without waiting."""
        return self._inner.ready

    async def __anext__(self) -> bytes:
        """Compressed bytes; several frames may go into one."""
        inner, pieces = self._inner, []
        while not self.done:
            content = await anext(inner, None)
            if content is None or inner.done:
                pieces.append(await self._pass(content or b"", end=True))
                self.done = True
            else:
                waits = self._each or not inner.ready
                pieces.append(await self._pass(content, flush=waits))
            if self.done or any(pieces):
                return b"".join(pieces)
        raise StopAsyncIteration

    async def _pass(self, content: bytes, *, flush: bool = False, end: bool = False) -> bytes:
        if len(content) > _ON_LOOP:
            return await asyncio.to_thread(_squeeze, self._compressor, content, flush or end, end)
        return _squeeze(self._compressor, content, flush or end, end)

    def close(self) -> None:
        """Close what is behind."""
        self._inner.close()


def _squeeze(compressor: Compressor, content: bytes, flush: bool, end: bool) -> bytes:
    squeezed = compressor.compress(content) if content else b""
    return squeezed + compressor.flush(end) if flush else squeezed


class _Gzip:
    """zlib in a gzip wrapper."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(5, zlib.DEFLATED, 31)
        self.compress = self._zlib.compress

    def flush(self, end: bool) -> bytes:
        """What was held back."""
        return self._zlib.flush(zlib.Z_FINISH if end else zlib.Z_SYNC_FLUSH)


class _Brotli:
    """Brotli at a level that pays on the fly."""

    def __init__(self) -> None:
        import brotli  # type: ignore[import-untyped]

        self._brotli = brotli.Compressor(quality=4)
        self.compress: Callable[[bytes], bytes] = self._brotli.process

    def flush(self, end: bool) -> bytes:
        """What was held back."""
        return self._brotli.finish() if end else self._brotli.flush()  # type: ignore[no-any-return]


class _Zstd:
    """Zstandard with a window that every client takes (RFC 9659)."""

    def __init__(self) -> None:
        import zstandard

        self._zstd = zstandard.ZstdCompressor(level=3).compressobj()
        self._block = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self.compress: Callable[[bytes], bytes] = self._zstd.compress

    def flush(self, end: bool) -> bytes:
        """What was held back."""
        return self._zstd.flush() if end else self._zstd.flush(self._block)


_MAKERS: dict[bytes, Callable[[], Compressor]] = {b"gzip": _Gzip, b"br": _Brotli, b"zstd": _Zstd}


def _vary(headers: Headers) -> None:
    """Caches must know that others get other bytes."""
    for name, value in headers:
        if name == b"vary" and (b"*" in value or b"accept-encoding" in value.lower()):
            return
    headers.append((b"vary", b"Accept-Encoding"))


def _described(headers: Sequence[tuple[bytes, bytes]], coding: bytes) -> Headers:
    """The head of the compressed reply: the same thing, but not byte by byte (RFC 9110 §8.8.1)."""
    kept: Headers = []
    for name, value in headers:
        if name == b"etag" and not value.startswith(b"W/"):
            kept.append((name, b"W/" + value))
        elif name not in _CHANGED:
            kept.append((name, value))
    kept.append((b"content-encoding", coding))
    return kept
