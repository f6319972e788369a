"""Server-sent events (WHATWG HTML §9.2): an incremental reader, a writer, and a cutter for relays."""

import re
from collections.abc import Iterator

import msgspec

from triplegate.core.errors import Refusal

MOST = 1_048_576
"""Bytes one event may have, by default."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_BOM = b"\xef\xbb\xbf"


class SseEvent(msgspec.Struct, frozen=True, gc=False):
    """One event block that held a data, id or retry field."""

    data: bytes
    """Data lines joined by a line feed; browsers ignore events whose data is empty, relays must not."""
    event: str = "message"
    id: bytes | None = None
    """The id this block set, or None when it set none."""
    retry: int | None = None
    """Milliseconds."""


class SseReader:
    """Bytes in, events out, whatever the split and the line ends; one event is bounded."""

    __slots__ = ("_after_cr", "_data", "_event", "_id", "_most", "_retry", "_size", "_started", "_tail", "last_id")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tail = b""
        self._after_cr = False
        self._started = False
        self.last_id = b""
        """The last id any event set; what Last-Event-ID would say."""
        self._clear()

    def _clear(self) -> None:
        self._data: list[bytes] = []
        self._event = b""
        self._id: bytes | None = None
        self._retry: int | None = None
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events completed by `chunk`. Raises Refusal upstream_malformed when one outgrows the bound."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[:1] == b"\n":
                chunk = chunk[1:]
        text = self._tail + chunk if self._tail else chunk
        if not self._started:
            if len(text) < 3 and _BOM.startswith(text):
                self._tail = text
                return []
            self._started = True
            text = text.removeprefix(_BOM)
        if b"\r" in text:
            self._after_cr = text.endswith(b"\r")
            lines = _LINE_END.split(text)
        else:
            lines = text.split(b"\n")
        self._tail = lines.pop()
        events: list[SseEvent] = []
        for line in lines:
            self._take(line, events)
        if self._size + len(self._tail) > self._most:
            raise Refusal("upstream_malformed", "The upstream sent an event that is too large.")
        return events

    def _take(self, line: bytes, events: list[SseEvent]) -> None:
        if not line:
            if self._data or self._id is not None or self._retry is not None:
                name = self._event.decode("utf-8", "replace") or "message"
                events.append(SseEvent(b"\n".join(self._data), name, self._id, self._retry))
            self._clear()
            return
        self._size += len(line) + 1
        if self._size > self._most:
            raise Refusal("upstream_malformed", "The upstream sent an event that is too large.")
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._event = value
        elif field == b"id":
            if b"\0" not in value:
                self._id = self.last_id = value
        elif field == b"retry" and value.isdigit() and len(value) < 12:
            self._retry = int(value)

    @property
    def pending(self) -> bool:
        """True when the stream, if it ended now, would end inside an event (which is then never dispatched)."""
        return bool(self._tail or self._data or self._event or self._id is not None)


def write_event(
    data: bytes, event: str | None = None, event_id: bytes | None = None, retry: int | None = None
) -> bytes:
    """One event; data of several lines becomes several data lines. Raises ValueError for a line end in name or id."""
    if event is None and event_id is None and retry is None and b"\n" not in data and b"\r" not in data:
        return b"data: %b\n\n" % data
    lines: list[bytes] = []
    if event is not None:
        lines.append(b"event: " + _one_line(event.encode()))
    if event_id is not None:
        lines.append(b"id: " + _one_line(event_id))
    if retry is not None:
        lines.append(b"retry: %d" % retry)
    lines += [b"data: " + line for line in _LINE_END.split(data)]
    return b"\n".join(lines) + b"\n\n"


def _one_line(value: bytes) -> bytes:
    if b"\n" in value or b"\r" in value or b"\0" in value:
        raise ValueError("an event's name and id are one line without NUL")
    return value


def write_comment(text: bytes = b"") -> bytes:
    """A comment, which clients ignore: keeps idle connections open."""
    return b": %b\n\n" % _one_line(text)


class SseCutter:
    """Cuts a stream after its last complete event, for relays that pass bytes on as they came."""

    __slots__ = ("_edge", "_most", "_pieces", "_size")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0
        self._edge = b""

    def feed(self, chunk: bytes) -> bytes:
        """Whole events only, possibly none; the rest waits. Raises Refusal upstream_malformed over the bound."""
        pieces = self._pieces
        if not pieces and chunk.endswith(b"\n\n"):
            return chunk
        edge = self._edge
        text = edge + chunk if edge else chunk
        end = last_end(text)
        if not end:
            if chunk:
                self._wait(chunk, text)
            return b""
        pieces.append(text[len(edge) : end])
        block = b"".join(pieces)
        self._clear()
        if end < len(text):
            self._wait(text[end:], text[end:])
        return block

    def _wait(self, piece: bytes, text: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        self._edge = text[-3:]
        if self._size > self._most:
            raise Refusal("upstream_malformed", "The upstream sent an event that is too large.")

    def _clear(self) -> None:
        self._pieces.clear()
        self._size, self._edge = 0, b""

    @property
    def tail(self) -> bytes:
        """The incomplete event at the end."""
        return b"".join(self._pieces)

    def rest(self) -> bytes:
        """The incomplete event at the end, which is no longer waited for."""
        tail = self.tail
        self._clear()
        return tail


def last_end(text: bytes, start: int = 0) -> int:
    """Where the last complete event of `text` ends (0: nowhere after `start`)."""
    if b"\r" not in text:
        found = text.rfind(b"\n\n", start)
        return found + 2 if found >= 0 else 0
    end = 0
    for match in _BLANK_LINE.finditer(text, start):
        end = match.end()
    return end


def spans(block: bytes) -> Iterator[tuple[int, int]]:
    """Where each event of a block of whole events begins and ends."""
    start = 0
    if b"\r" not in block:
        while (end := block.find(b"\n\n", start) + 2) > 1:
            yield start, end
            start = end
    else:
        for match in _BLANK_LINE.finditer(block):
            yield start, match.end()
            start = match.end()
    if start < len(block):
        yield start, len(block)


def data_of(event: bytes) -> bytes:
    """The data of one event's bytes, lines joined by a line feed."""
    if event[:5] == b"data:" and event.endswith(b"\n\n") and b"\n" not in event[:-2] and b"\r" not in event:
        return event[6:-2] if event[5:6] == b" " else event[5:-2]
    found: list[bytes] = []
    for line in _LINE_END.split(event):
        if line[:5] == b"data:":
            found.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            found.append(b"")
    return b"\n".join(found)


_ID = re.compile(rb"(?:^|[\r\n])id: ?([^\r\n\0]*)")
_RETRY = re.compile(rb"(?:^|[\r\n])retry: ?(\d{1,11})[\r\n]")


def id_of(event: bytes) -> bytes:
    """The id that one event's bytes set, or nothing."""
    found = _ID.findall(event) if b"id:" in event else None
    return found[-1] if found else b""


def retry_of(event: bytes) -> int | None:
    """Milliseconds after which one event's bytes ask to come back."""
    found = _RETRY.search(event) if b"retry:" in event else None
    return int(found[1]) if found else None
