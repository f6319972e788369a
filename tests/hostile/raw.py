"""A client that says exactly these bytes to a running gateway, and an upstream that keeps exactly those it was sent."""

import contextlib
import socket
import threading
import time
from typing import NamedTuple, Self

from tests.servers.spawn import free_port

WAIT = 10.0
"""Longest wait for anything; machines under test load are slow."""


class Answer(NamedTuple):
    """One answer as it stood on the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool
    """False when the connection ended before the message did."""

    def all(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """The value of a field that is there at most once; empty when it is not."""
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else ""


class Wire:
    """One connection of a client."""

    def __init__(self, port: int, within: float = WAIT, window: int = 0) -> None:
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(within)
        self.socket.connect(("127.0.0.1", port))
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> Self:
        """Say it; what the other side no longer wants is dropped."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(content)
        return self

    def end(self) -> Self:
        """Say that nothing more comes; answers are still read."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Leave by RST, as a killed process does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()

    def more(self) -> bool:
        """Read a piece; False at the end of the connection. TimeoutError when nothing comes."""
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        self.rest += piece
        return bool(piece)

    def closed(self) -> bool:
        """Whether the other side closes without another byte; TimeoutError when it keeps the connection open."""
        return not self.rest and not self.more()

    def answer(self, *, head: bool = False) -> Answer | None:
        """The next final answer (to HEAD: without body); None when the connection ends before one began."""
        while True:
            status, headers = self._head()
            if status == 0:
                return None
            if status >= 200:
                break
        body, complete = self._body(status, headers, head=head)
        return Answer(status, headers, body, complete)

    def _head(self) -> tuple[int, list[tuple[str, str]]]:
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                return 0, []
        text, _, self.rest = self.rest.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        version, code, _ = (first + " ").split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), first
        parts = [line.partition(":") for line in lines]
        return int(code), [(name.lower(), value.strip()) for name, _, value in parts]

    def _body(self, status: int, headers: list[tuple[str, str]], *, head: bool) -> tuple[bytes, bool]:
        fields = dict(headers)
        if head or status in (204, 304):
            return b"", True
        if "transfer-encoding" in fields:
            assert "content-length" not in fields
            return self._chunks()
        if "content-length" in fields:
            return self.take(int(fields["content-length"]))
        while self.more():
            pass
        body, self.rest = self.rest, b""
        return body, True

    def take(self, size: int) -> tuple[bytes, bool]:
        """So many bytes, and whether all of them came."""
        while len(self.rest) < size:
            if not self.more():
                break
        body, self.rest = self.rest[:size], self.rest[size:]
        return body, len(body) == size

    def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        while True:
            while b"\r\n" not in self.rest:
                if not self.more():
                    return body, False
            line, _, self.rest = self.rest.partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            piece, whole = self.take(size + 2)
            if not whole:
                return body + piece, False
            if size == 0:
                return body, piece == b"\r\n"
            body += piece[:-2]


def ask(port: int, request: bytes, *, head: bool = False) -> Answer | None:
    """One request on a connection of its own; None when it was closed without an answer."""
    with Wire(port) as wire:
        return wire.send(request).answer(head=head)


def get(target: str, *lines: str, method: str = "GET", host: str | None = "a.test", version: str = "1.1") -> bytes:
    """A request without body; `lines` are header lines as they shall stand."""
    first = [f"{method} {target} HTTP/{version}", *([f"Host: {host}"] if host is not None else [])]
    return ("\r\n".join([*first, *lines]) + "\r\n\r\n").encode("latin-1")


def post(target: str, body: bytes, *lines: str) -> bytes:
    """A request with body and Content-Length."""
    return get(target, *lines, f"Content-Length: {len(body)}", method="POST") + body


class Seen(NamedTuple):
    """A request as an upstream was sent it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool
    raw: bytes

    def all(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [value for key, value in self.headers if key == name]


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Recorder:
    """An upstream that keeps every byte, reads requests strictly, and answers each with `say(seen, connection)`.

    What cannot be read as a request, and a second request before the first was answered, stand in `strange`.
    """

    def __init__(self) -> None:
        self.say = self.fine
        self.early = None
        """Called with the connection when a head is here, before its body is read; then the connection is closed."""
        self.seen: list[Seen] = []
        self.begun = 0
        """Requests whose head was read."""
        self.ended = 0
        """Of those, the ones that stand in `seen` or `strange` by now."""
        self.strange: list[bytes] = []
        self.raw = bytearray()
        self.answering = 0
        """Requests that `say` is at just now: connections that merely wait for another one are not counted."""
        self._counting = threading.Lock()  # answers come and go in threads: `+=` alone can lose one
        self.socket = socket.create_server(("127.0.0.1", free_port()), backlog=256)
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def fine(seen: Seen, connection: socket.socket) -> None:
        """Answer 200."""
        connection.sendall(OK)

    def take(self) -> list[Seen]:
        """What was seen since the last time."""
        seen, self.seen = self.seen, []
        return seen

    def wait(self, true, within: float = WAIT) -> None:
        """Until `true()`."""
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end, "never true"
            time.sleep(0.005)

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
        with contextlib.suppress(OSError), connection:
            talk = _Talk(connection, self.raw)
            while self._one(connection, talk):
                pass

    def _one(self, connection: socket.socket, talk: "_Talk") -> bool:
        text = talk.until(b"\r\n\r\n")
        if text is None:
            if talk.rest:
                self.strange.append(talk.rest)
            return False
        self.begun += 1
        try:
            seen = self._read(connection, talk, text)
        finally:
            self.ended += 1
        return seen is not None and self._answer(seen, connection)

    def _answer(self, seen: Seen, connection: socket.socket) -> bool:
        with self._counting:
            self.answering += 1
        try:
            return self.say(seen, connection) is None
        finally:
            with self._counting:
                self.answering -= 1

    def _read(self, connection: socket.socket, talk: "_Talk", text: bytes) -> Seen | None:
        """The request, or None when nothing can be said to it."""
        try:
            method, target, headers = _head(text)
        except ValueError:
            self.strange.append(text)
            return None
        if self.early is not None:
            self.early(connection)
            return None
        body, complete = talk.body(headers)
        seen = Seen(method, target, headers, body, complete, text)
        self.seen.append(seen)
        if talk.rest and complete:
            self.strange.append(talk.rest)
        return seen if complete else None


def _head(text: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    first, *lines = text[:-4].decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version != "HTTP/1.1" or any(mark in text.replace(b"\r\n", b"") for mark in (b"\r", b"\n", b"\0")):
        raise ValueError(text)
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError(line)
        headers.append((name.lower(), value.strip()))
    names = [name for name, _ in headers]
    if names.count("host") != 1 or names.count("content-length") + names.count("transfer-encoding") > 1:
        raise ValueError(text)
    return method, target, headers


class _Talk:
    """Bytes of one connection, as they are taken."""

    def __init__(self, connection: socket.socket, raw: bytearray) -> None:
        self.connection, self.raw, self.rest = connection, raw, b""

    def _more(self) -> bool:
        try:
            piece = self.connection.recv(65536)
        except OSError:
            piece = b""
        self.raw += piece[:4096]
        self.rest += piece
        return bool(piece)

    def until(self, mark: bytes) -> bytes | None:
        while mark not in self.rest:
            if not self._more():
                return None
        text, _, self.rest = self.rest.partition(mark)
        return text + mark

    def exactly(self, size: int) -> tuple[bytes, bool]:
        while len(self.rest) < size:
            if not self._more():
                break
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece, len(piece) == size

    def body(self, headers: list[tuple[str, str]]) -> tuple[bytes, bool]:
        fields = dict(headers)
        if "content-length" in fields:
            return self.exactly(int(fields["content-length"]))
        if "transfer-encoding" not in fields:
            return b"", True
        assert fields["transfer-encoding"] == "chunked"
        body = b""
        while True:
            line = self.until(b"\r\n")
            if line is None:
                return body, False
            size = int(line, 16)
            piece, whole = self.exactly(size + 2)
            if not whole:
                return body, False
            if size == 0:
                return body, True
            body += piece[:-2]
