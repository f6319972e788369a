"""Messages of Amazon's event streams, packed here by hand to be read by the reader."""

import json
import struct
import zlib
from typing import Any


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([kind]) + value


def text(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


def frame(headers: bytes, payload: bytes) -> bytes:
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head += struct.pack(">I", zlib.crc32(head))
    whole = head + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind: str, **members: Any) -> bytes:
    headers = text(":event-type", kind) + text(":content-type", "application/json") + text(":message-type", "event")
    return frame(headers, json.dumps(members).encode())


def exception(kind: str, **members: Any) -> bytes:
    headers = text(":exception-type", kind) + text(":message-type", "exception")
    return frame(headers, json.dumps(members).encode())
