"""Upstreams that read requests as careless servers do: each has one or several of the laxities on record."""

import contextlib
import re
import socket
import threading
import time
from typing import NamedTuple

from tests.servers.spawn import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Laxity(NamedTuple):
    """How a request is misread."""

    name: str
    prefers: str = "chunks"
    """Of Content-Length and Transfer-Encoding: `chunks` or `length`."""
    bare: bool = False
    """LF or CR alone ends a line."""
    loose_names: bool = False
    """Blanks, underscores and control characters in field names are skipped over."""
    last: bool = False
    """Of two lengths the last one counts."""
    substring: bool = False
    """Anything with `chunked` in it is chunked, whatever the version."""


LAXITIES = (
    Laxity("careful about nothing", "chunks", bare=True, loose_names=True, substring=True),
    Laxity("length first", "length", bare=True, loose_names=True),
    Laxity("last length", "length", loose_names=True, last=True),
    Laxity("chunks in any word", "chunks", substring=True, loose_names=True),
    Laxity("plain", "chunks"),
)


class Lenient:
    """Reads what a laxity reads, and keeps the first line of each request it believes to have seen."""

    def __init__(self, laxity: Laxity) -> None:
        self.laxity = laxity
        self.lines: list[bytes] = []
        self.open = 0
        self.socket = socket.create_server(("127.0.0.1", free_port()), backlog=256)
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def settle(self, within: float = 10.0) -> None:
        """Until every connection has been read to its end, or waits for more."""
        end = time.monotonic() + within
        seen = -1
        while seen != len(self.lines):
            seen = len(self.lines)
            time.sleep(0.02)
            assert time.monotonic() < end

    def close(self) -> None:
        """Accept no more."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        rest = b""
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            while True:
                piece = connection.recv(65536)
                rest += piece
                while True:
                    taken = read_one(rest, self.laxity)
                    if taken is None:
                        break
                    line, rest = taken
                    self.lines.append(line)
                    connection.sendall(OK)
                if not piece:
                    return


def read_one(content: bytes, laxity: Laxity) -> tuple[bytes, bytes] | None:
    """The first line of the request at the start and what follows the request; None while it is not whole."""
    if laxity.bare:
        content = content.lstrip(b"\r\n")
    mark = re.search(rb"(?:\r?\n|\r(?!\n)){2}" if laxity.bare else rb"\r\n\r\n", content)
    if mark is None:
        return None
    head, rest = content[: mark.start()], content[mark.end() :]
    first, *lines = re.split(rb"\r?\n|\r(?!\n)" if laxity.bare else rb"\r\n", head)
    lengths, chunked = [], False
    for line in lines:
        name, _, value = line.partition(b":")
        name = re.sub(rb"[\x00-\x20]", b"", name).replace(b"_", b"-") if laxity.loose_names else name
        name, value = name.lower(), value.strip()
        if name == b"content-length":
            with contextlib.suppress(ValueError):
                lengths.append(int(value.split(b",")[0]))
        if name == b"transfer-encoding":
            chunked |= b"chunked" in value.lower() if laxity.substring else value == b"chunked"
    if lengths and (laxity.prefers == "length" or not chunked):
        size = max(lengths[-1] if laxity.last else lengths[0], 0)
        return (first, rest[size:]) if len(rest) >= size else None
    if chunked:
        after = _chunks(rest, laxity)
        return None if after is None else (first, after)
    return first, rest


def _chunks(rest: bytes, laxity: Laxity) -> bytes | None:
    """What follows the last chunk; a size that is no number ends the body there and then."""
    while True:
        mark = re.search(rb"\r\n|\n" if laxity.bare else rb"\r\n", rest)
        if mark is None:
            return None
        digits = re.match(rb"[0-9a-fA-F]+", rest[: mark.start()].strip())
        size = int(digits[0], 16) if digits else 0
        rest = rest[mark.end() :]
        if size == 0:
            end = re.search(rb"(?:.*?\r\n)?\r\n", rest, re.DOTALL)
            return None if end is None else rest[end.end() :]
        if len(rest) < size + 2:
            return None
        rest = rest[size + 2 :]
