"""The chunks of a request body, read strictly and at any split: what is no chunk ends it; no I/O (RFC 9112)."""

import re

from triplegate.core.errors import Refusal

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,16}|[0-9A-Fa-f]{1,16}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_TRAILER_BEGUN = re.compile(rb"\r|[!#$%&'*+.^_`|~0-9A-Za-z-]*|[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r?")
_LINE = 4096
"""Bytes of one line: an extension or a trailer that is longer is nobody's."""
_EXTRA = 16_384
"""Bytes of extensions and trailers that one body may have in all."""


class ChunkReader:
    """Takes the framing off; trailers are checked and dropped (RFC 9110 §6.5.1)."""

    __slots__ = ("_extra", "_left", "_line", "_take", "done")

    def __init__(self) -> None:
        self._left = self._extra = 0
        self._line = b""
        """What has come of a line."""
        self._take = ChunkReader._size  # not bound: the reader would hold itself
        """What the next line is."""
        self.done = False

    def feed(self, content: bytes, pieces: list[bytes]) -> bytes:
        """Append what is content to `pieces`; what stands behind the body's end comes back.

        Raises Refusal malformed_request: nothing after it can be trusted.
        """
        at, size = 0, len(content)
        while at < size and not self.done:
            if self._left:
                piece = content[at : at + self._left]
                self._left -= len(piece)
                at += len(piece)
                pieces.append(piece)
                continue
            end = content.find(b"\n", at) + 1
            line = self._line + (content[at:end] if end else content[at:])
            at = end or size
            if len(line) > _LINE:
                raise _malformed("a line of its framing is too long")
            self._take(self, line, whole=bool(end))
        return content[at:]

    def _size(self, line: bytes, *, whole: bool) -> None:
        """The size of a chunk."""
        if not whole:
            self._wait(line, _SIZE_BEGUN)
            return
        found = _SIZE.fullmatch(line)
        if found is None:
            raise _malformed("the size of a chunk cannot be read")
        self._line = b""
        self._spend(len(found[2] or b""))
        self._left = int(found[1], 16)
        if self._left >= 1 << 63:
            raise _malformed("the size of a chunk cannot be read")
        self._take = ChunkReader._after if self._left else ChunkReader._trailer

    def _after(self, line: bytes, *, whole: bool) -> None:
        """The line end behind a chunk."""
        if not b"\r\n".startswith(line):
            raise _malformed("a chunk is longer than its size")
        self._line = b"" if whole else line
        if whole:
            self._take = ChunkReader._size

    def _trailer(self, line: bytes, *, whole: bool) -> None:
        """A trailer, or the empty line that ends the body."""
        if line == b"\r\n":
            self.done = True
        elif not whole:
            self._wait(line, _TRAILER_BEGUN)
        elif _TRAILER.fullmatch(line):
            self._line = b""
            self._spend(len(line))
        else:
            raise _malformed("a trailer cannot be read")

    def _wait(self, line: bytes, begun: "re.Pattern[bytes]") -> None:
        if not begun.fullmatch(line):
            raise _malformed("its framing cannot be read")
        self._line = line

    def _spend(self, extra: int) -> None:
        self._extra += extra
        if self._extra > _EXTRA:
            raise _malformed("it has too many extensions and trailers")


def _malformed(why: str) -> Refusal:
    return Refusal("malformed_request", f"The body's chunks are malformed: {why}.")
