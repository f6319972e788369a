"""One JSON line per exchange, encoded in batches and written by a thread: traffic never waits for the log."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from triplegate.control.telemetry.background import Background
from triplegate.control.telemetry.finished import Finished
from triplegate.core.money import UNITS_PER_DOLLAR

_BOUND = 4 << 20
"""Bytes that may wait for a slow disk or pipe."""
_LINE_BREAKING = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\x7f")
"""C1 controls, Unicode line ends, direction overrides and DEL: JSON leaves them, terminals and log tools obey them."""

_ENCODER = msgspec.json.Encoder()


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """What is logged of an exchange; never headers, query, bodies or keys. Times in ms, cost in US dollars."""

    time: datetime
    id: str
    gate: str
    method: str
    host: str
    path: str
    status: int
    outcome: str
    duration_ms: float
    overhead_ms: float
    peer: str
    bytes_out: int
    bytes_in: int = 0
    route: str = ""
    target: str = ""
    rpc: str = ""
    refusal: str = ""
    policy: str = ""
    reason: str = ""
    would_refuse: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    prompt: str = ""
    org: str = ""
    team: str = ""
    consumer: str = ""
    key_id: str = ""
    first_byte_ms: float = 0.0
    attempts: int = 0
    tokens: int = 0
    cost: float = 0.0
    cache: str = "none"
    trace: str = ""
    parent: str = ""
    snapshot: str = ""


def line_of(one: Finished) -> Line:
    """The line of a finished exchange."""
    record = one.record
    return Line(
        datetime.fromtimestamp(record.started, UTC),
        record.exchange,
        record.gate,
        one.http_method,
        one.host,
        one.path,
        record.status,
        record.outcome,
        record.duration_us / 1000,
        record.overhead_us / 1000,
        one.peer,
        record.bytes_out,
        record.bytes_in,
        record.route,
        record.target,
        one.rpc,
        record.refusal,
        one.policy,
        one.reason,
        one.would_refuse,
        one.guards,
        one.prompt,
        record.org,
        record.team,
        record.consumer,
        record.key_id,
        record.first_byte_us / 1000,
        len(record.attempts),
        sum(record.tokens) if record.usage_source != "none" else 0,
        record.cost / UNITS_PER_DOLLAR,
        record.cache,
        record.traceparent,
        record.parent,
        record.snapshot,
    )


def encode(batch: Sequence[Finished]) -> bytes:
    """One line each; whatever stands in a field, a line stays one line."""
    lines = _ENCODER.encode_lines([line_of(one) for one in batch])
    return lines if lines.isascii() and b"\x7f" not in lines else _LINE_BREAKING.sub(_escaped, lines)


def _escaped(match: "re.Match[bytes]") -> bytes:
    return f"\\u{ord(match[0].decode()):04x}".encode()


class AccessLog:
    """Writes lines to `target`: a path, or `stdout`. A file that was moved away (logrotate) is opened anew."""

    def __init__(self, target: str | Path, bound: int = _BOUND) -> None:
        self._path = None if target == "stdout" else Path(target)
        self._file = -1
        self.background: Background[bytes] = Background("access-log", self._write, bound)

    def start(self) -> None:
        """Open the file and start the thread. Raises OSError when the file cannot be opened."""
        self._open()
        self.background.start()

    def take(self, batch: Sequence[Finished]) -> None:
        """Encode and hand over; never waits."""
        lines = encode(batch)
        self.background.put(lines, len(lines), len(batch))

    def close(self) -> None:
        """Write what waits, for at most 2 s, and close the file."""
        done = self.background.close()
        if done and self._path is not None and self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        if self._path is None:
            self._file = 1
            return
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _write(self, lines: bytes) -> None:
        if self._path is not None and self._moved():
            self._open()
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _moved(self) -> bool:
        assert self._path is not None
        if self._file < 0:
            return True
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        here = os.fstat(self._file)
        return (there.st_ino, there.st_dev) != (here.st_ino, here.st_dev)
