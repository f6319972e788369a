"""Amazon's event streams: binary messages of typed headers and a payload, each under two checksums."""

from collections.abc import Iterator
from struct import Struct, unpack_from
from zlib import crc32

import msgspec

from triplegate.core.errors import Refusal

MOST = 1 << 20
"""Bytes of one message, its frame included."""

_PRELUDE = Struct(">III")
"""Whole length, length of the headers, checksum of the two."""
_SUM = 4
_LEAST = _PRELUDE.size + _SUM
_FIXED = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}
"""Header types of numbers: byte, short, int, long, and a time in milliseconds."""
_SIZES = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TRUE, _FALSE, _BYTES, _TEXT, _UUID = 0, 1, 6, 7, 9

Value = bool | int | bytes | str


class Message(msgspec.Struct, frozen=True):
    """One message."""

    headers: dict[str, Value]
    payload: bytes

    def text(self, name: str) -> str:
        """A header that is text; empty when it is not there."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class EventStream:
    """Takes bytes as they come and gives whole messages."""

    __slots__ = ("_part",)

    def __init__(self) -> None:
        self._part = b""

    @property
    def pending(self) -> bool:
        """Whether a message has begun and is not whole."""
        return bool(self._part)

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that `chunk` completes, to be taken to the end.

        Raises Refusal upstream_malformed at the first byte that is not as its checksums say, or over the bound.
        """
        content, place = self._part + chunk, 0
        self._part = b""
        while len(content) - place >= _PRELUDE.size:
            length, headers = _prelude(content, place)
            if len(content) - place < length:
                break
            yield _message(content[place : place + length], headers)
            place += length
        self._part = content[place:]


def _prelude(content: bytes, place: int) -> tuple[int, int]:
    """Its own checksum is looked at first: a wrong length would make us wait for what never comes."""
    length, headers, checksum = _PRELUDE.unpack_from(content, place)
    if crc32(content[place : place + 8]) != checksum:
        raise _malformed("the checksum of a message's lengths is wrong")
    if length > MOST:
        raise _malformed(f"a message of {length} bytes")
    if length < _LEAST + headers:
        raise _malformed("a message is shorter than its headers")
    return length, headers


def _message(frame: bytes, headers: int) -> Message:
    if crc32(frame[:-_SUM]) != int.from_bytes(frame[-_SUM:], "big"):
        raise _malformed("the checksum of a message is wrong")
    begin = _PRELUDE.size
    return Message(_headers(frame[begin : begin + headers]), frame[begin + headers : -_SUM])


def _headers(block: bytes) -> dict[str, Value]:
    found: dict[str, Value] = {}
    place = 0
    try:
        while place < len(block):
            end = place + 1 + block[place]
            name, kind = block[place + 1 : end].decode(), block[end]
            found[name], place = _value(block, end + 1, kind)
    except (IndexError, ValueError) as error:  # a UnicodeDecodeError is a ValueError
        raise _malformed("the headers of a message cannot be read") from error
    if place > len(block):
        raise _malformed("a header is longer than all of them")
    return found


def _value(block: bytes, place: int, kind: int) -> tuple[Value, int]:
    """The value that begins at `place`, and where it ends. Raises ValueError, IndexError."""
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, place
    if kind in (_BYTES, _TEXT):
        size = block[place] << 8 | block[place + 1]
        content = block[place + 2 : place + 2 + size]
        return content if kind == _BYTES else content.decode(), place + 2 + size
    end = place + _SIZES.get(kind, 0)
    if end == place or end > len(block):
        raise ValueError(f"type {kind}")
    if kind == _UUID:
        return block[place:end], end
    return unpack_from(_FIXED[kind], block, place)[0], end


def _malformed(reason: str) -> Refusal:
    return Refusal("upstream_malformed", "The provider's stream is damaged.", reason=reason)
