"""How a record lies in a spool file: length, checksum, MessagePack; and how to read on behind damage."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from triplegate.core.record import AttemptRecord, Record

HEADER = struct.Struct("<II")
"""Length and CRC-32 of the payload. zlib's polynomial, not Castagnoli's: no C implementation of that one is at hand."""
MAX_PAYLOAD = 16_384
"""Bytes of one entry's payload; what is larger is cut, because the room kept for finals is counted in this unit."""
_MIN_PAYLOAD = 41
_MARK = b"\xdc\x00"
"""How each payload begins: a MessagePack array of 16 to 255 fields. The place to look for the next whole entry."""
_EXCHANGE, _PART, _KIND = 3, 30, 31
"""Where a payload's first fields begin when the exchange's id has 26 letters and the part is below 128."""
_ID, _INTENT = b"\xba", b"\xa6intent"
_BIGGEST = (1 << 62) - 1

_Row = TypeVar("_Row", Record, AttemptRecord)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_crc = zlib.crc32
_pack = HEADER.pack


def frame(record: Record) -> bytes:
    """The entry of `record`, ready for one write; text and attempts are cut when it would be over `MAX_PAYLOAD`."""
    try:
        payload = _encode(record)
    except (UnicodeEncodeError, OverflowError):
        payload = _encode(_cut(record))
    if len(payload) > MAX_PAYLOAD:
        payload = _encode(_cut(record))
    return _pack(len(payload), _crc(payload)) + payload


class Entry(msgspec.Struct, gc=False):
    """A record and where it ends in its file."""

    record: Record | None
    """None: an intent that nobody wants to read."""
    end: int


class Scan(msgspec.Struct):
    """What a stretch of a file holds."""

    entries: list[Entry]
    end: int
    """Where the next stretch begins."""
    damaged: int
    """Places where something unreadable was skipped."""


def scan(stretch: bytes, begin: int, *, last: bool, limit: int = 1 << 62, intents: bool = True) -> Scan:
    """Read up to `limit` records of a `stretch` that starts at offset `begin` of its file.

    `last`: nothing can follow, so an unfinished tail is skipped (and counted) instead of waited for. `intents`: read
    those, too; else they are stepped over, are none of the `limit`, and cost half as much.
    """
    entries: list[Entry] = []
    at = damaged = 0
    size = len(stretch)
    while at < size and limit > 0:
        record, end = _read(stretch, at, intents=intents)
        if end > at:
            entries.append(Entry(record, begin + end))
            at = end
            limit -= record is not None
            continue
        if not last and size - at < HEADER.size + MAX_PAYLOAD:
            break
        damaged += 1
        at = _next_entry(stretch, at + 1, last=last)
    return Scan(entries, begin + at, damaged)


def _read(stretch: bytes, at: int, *, intents: bool = True) -> tuple[Record | None, int]:
    """The record at `at` (None for an intent that is stepped over) and its end: `at` when none is whole and sound."""
    start = at + HEADER.size
    if start > len(stretch):
        return None, at
    length, checksum = HEADER.unpack_from(stretch, at)
    end = start + length
    if not _MIN_PAYLOAD <= length <= MAX_PAYLOAD or end > len(stretch):
        return None, at
    payload = stretch[start:end]
    if _crc(payload) != checksum:
        return None, at
    if not intents and _is_intent(payload):
        return None, end
    try:
        return _decode(payload), end
    except msgspec.DecodeError:
        return None, at


def _is_intent(payload: bytes) -> bool:
    return payload.startswith(_ID, _EXCHANGE) and payload[_PART] < 0x80 and payload.startswith(_INTENT, _KIND)


def _next_entry(stretch: bytes, at: int, *, last: bool) -> int:
    """Offset of the next sound entry at or after `at`; where none is, the end or what may still become one."""
    for candidate in _candidates(stretch, at):
        if _read(stretch, candidate)[1] > candidate:
            return candidate
    if last:
        return len(stretch)
    return max(at, len(stretch) - HEADER.size - MAX_PAYLOAD)


def _candidates(stretch: bytes, at: int) -> Iterator[int]:
    found = stretch.find(_MARK, at + HEADER.size)
    while found >= 0:
        yield found - HEADER.size
        found = stretch.find(_MARK, found + 1)


def _cut(record: Record) -> Record:
    """`record` with text of at most 128 bytes, sixteen attempts and numbers that fit 63 bits."""
    attempts = tuple([_cut_fields(attempt, 48) for attempt in record.attempts[:16]])
    tool_units = record.tool_units if len(record.tool_units) <= 128 else ""  # half a JSON object is none
    return msgspec.structs.replace(_cut_fields(record, 128), attempts=attempts, tool_units=tool_units)


def _cut_fields(row: _Row, width: int) -> _Row:
    changed = {name: _cut_value(value, width) for name, value in msgspec.structs.asdict(row).items()}
    return msgspec.structs.replace(row, **changed)


def _cut_value(value: Any, width: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")[:width].decode("utf-8", "ignore")
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_BIGGEST, min(_BIGGEST, value))
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return tuple([_cut_value(item, width) for item in value])
    return value
