"""WebSocket frames to messages and back, for either side; no extension is spoken (RFC 6455)."""

import base64
import hashlib
from typing import Final

import msgspec

from triplegate.core.http import Message

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
_CONTINUATION = 0x0
_OPCODES = frozenset({_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})

NO_STATUS = 1005
"""A close frame without a code: never written as one."""
ABNORMAL = 1006
"""No close frame at all: never written."""
_REASON = 123  # bytes: a control frame has 125, two of them are the code
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_RESERVED = frozenset({1004, NO_STATUS, ABNORMAL, 1015})


class Broken(Exception):
    """The other side broke the protocol or a bound; `code` is what it is told."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason
        self.events: list[Event] = []
        """What had become whole before it."""


class Control(msgspec.Struct, frozen=True, gc=False):
    """A ping or a pong."""

    opcode: int
    payload: bytes


class Close(msgspec.Struct, frozen=True, gc=False):
    """The other side's close frame; `NO_STATUS` when it carried no code."""

    code: int
    reason: str


Event = Message | Control | Close


def accept_of(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept that proves that a Sec-WebSocket-Key was read."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def may_be_sent(code: int) -> bool:
    """Whether a close frame may carry this code (RFC 6455 §7.4, IANA's list up to 1014)."""
    return 3000 <= code < 5000 or (1000 <= code < 1015 and code not in _RESERVED)


def frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """One whole frame; `mask`: the four fresh bytes that a client must have."""
    size = len(payload)
    flag = 0x80 if mask else 0
    if size < 126:
        head = bytes((0x80 | opcode, flag | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, flag | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, flag | 127)) + size.to_bytes(8, "big")
    return head + mask + masked(payload, mask) if mask else head + payload


def close_frame(code: int, reason: str, mask: bytes = b"") -> bytes:
    """A close frame; one without a code for `NO_STATUS` and whatever else may not be written. Long reasons are cut."""
    if not may_be_sent(code):
        return frame(CLOSE, b"", mask)
    return frame(CLOSE, code.to_bytes(2, "big") + fitting(reason).encode(), mask)


def fitting(reason: str) -> str:
    """As much of a reason as a close frame holds, cut at a character."""
    return reason.encode()[:_REASON].decode(errors="ignore")


def masked(payload: bytes | bytearray, mask: bytes) -> bytes:
    """`payload` masked, or unmasked: it is the same."""
    size = len(payload)
    if not size:
        return b""
    pattern = mask * (size // 4) + mask[: size % 4]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")


class Reader:
    """Bytes in, whole messages, pings, pongs and the close out; holds at most one message and one frame."""

    __slots__ = ("_buffer", "_closed", "_masked", "_most", "_parts", "_started", "_text", "_wanted")

    def __init__(self, most: int, *, masked: bool) -> None:
        """`most` bytes a message; `masked`: the other side is a client, whose frames must be masked."""
        self._most, self._masked = most, masked
        self._buffer = bytearray()
        self._parts = bytearray()
        self._started = self._text = self._closed = False
        self._wanted = 2
        """Bytes without which the next frame cannot be read on."""

    def feed(self, content: bytes) -> list[Event]:
        """What became whole with these bytes. Raises Broken; nothing may be fed after that or after a Close."""
        events: list[Event] = []
        try:
            self._feed(content, events)
        except Broken as error:
            error.events = events
            raise
        return events

    def _feed(self, content: bytes, events: list[Event]) -> None:
        buffer = self._buffer
        buffer += content
        begin = 0
        while not self._closed and len(buffer) - begin >= self._wanted:
            end = self._frame(begin, events)
            if end is None:
                continue
            begin, self._wanted = end, 2
        if begin:
            del buffer[:begin]

    def _frame(self, begin: int, events: list[Event]) -> int | None:
        """Read the frame that begins there; where it ends, or None when more of it must come first."""
        buffer = self._buffer
        first, second = buffer[begin], buffer[begin + 1]
        opcode, size, fin = first & 0x0F, second & 0x7F, first >= 0x80
        if self._wanted == 2:
            self._check_head(first, second)
        place = begin + 2
        if size > 125:
            wide = 2 if size == 126 else 8
            place += wide
            if not self._has(begin, place):
                return None
            size = int.from_bytes(buffer[place - wide : place], "big")
            if size < (126 if wide == 2 else 1 << 16) or size >> 63:
                raise Broken(1002, "a length is not written as it must be")
        if opcode < CLOSE and size + len(self._parts) > self._most:
            raise Broken(1009, f"a message may have at most {self._most} bytes")
        mask = b""
        if self._masked:
            place += 4
            if not self._has(begin, place):
                return None
            mask = bytes(buffer[place - 4 : place])
        if not self._has(begin, place + size):
            return None
        payload = bytes(buffer[place : place + size])
        self._take(opcode, fin, masked(payload, mask) if mask else payload, events)
        return place + size

    def _has(self, begin: int, end: int) -> bool:
        """Whether the buffer reaches `end`; if not, that is what is waited for."""
        if len(self._buffer) >= end:
            return True
        self._wanted = end - begin
        return False

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise Broken(1002, "a reserved bit is set, and no extension was agreed on")
        if opcode not in _OPCODES:
            raise Broken(1002, "an unknown kind of frame")
        if (second >= 0x80) is not self._masked:
            raise Broken(1002, "a client masks its frames, a server does not")
        if opcode >= CLOSE:
            if first < 0x80 or second & 0x7F > 125:
                raise Broken(1002, "a control frame is whole and has at most 125 bytes")
        elif (opcode == _CONTINUATION) is not self._started:
            raise Broken(1002, "a message within a message, or a piece of none")

    def _take(self, opcode: int, fin: bool, payload: bytes, events: list[Event]) -> None:
        if opcode >= CLOSE:
            events.append(self._close(payload) if opcode == CLOSE else Control(opcode, payload))
            return
        if opcode != _CONTINUATION:
            self._text = opcode == TEXT
            if fin:
                events.append(_message(payload, self._text))
                return
            self._started = True
        self._parts += payload
        if fin:
            payload = bytes(self._parts)
            self._parts.clear()
            self._started = False
            events.append(_message(payload, self._text))

    def _close(self, payload: bytes) -> Close:
        self._closed = True
        if not payload:
            return Close(NO_STATUS, "")
        code = int.from_bytes(payload[:2], "big")
        if len(payload) == 1 or not may_be_sent(code):
            raise Broken(1002, "a close code that may not be sent")
        try:
            return Close(code, payload[2:].decode())
        except UnicodeDecodeError:
            raise Broken(1007, "a close reason is not UTF-8") from None


def _message(payload: bytes, text: bool) -> Message:
    if text and not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise Broken(1007, "a text message is not UTF-8") from None
    return Message(payload, text)
