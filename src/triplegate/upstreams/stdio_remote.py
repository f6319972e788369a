"""Commands that run at another worker of this node, reached over its Unix socket: one connection a call."""

import asyncio
import struct
from pathlib import Path
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.upstreams import failures
from triplegate.upstreams.coming import Coming
from triplegate.upstreams.peer import LISTEN
from triplegate.upstreams.unix import dial

LARGEST = 1 << 30
"""Bytes of one frame."""


class Asked(msgspec.Struct, array_like=True):
    """The one frame to the worker that runs the commands."""

    key: str
    """Which command."""
    method: str
    headers: Headers
    body: bytes
    owner: str


class Said(msgspec.Struct, array_like=True):
    """A frame of its reply: the head first, then pieces."""

    status: int = 0
    """Not 0: this is the head."""
    headers: Headers = []
    piece: bytes = b""
    last: bool = False
    code: str = ""
    """Why there is no more: the code of a Refusal."""
    reason: str = ""
    retry_after: float | None = None


def frame(message: Asked | Said) -> bytes:
    """The message with its length before it."""
    content = msgspec.msgpack.encode(message)
    return struct.pack(">I", len(content)) + content


class Cutter:
    """Bytes as they come to whole messages."""

    __slots__ = ("_parts", "_size", "_wanted")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted = 4

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises ValueError when one is too large."""
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return []
        text, found, start = b"".join(self._parts), [], 0
        while True:
            self._wanted = 4
            if len(text) - start >= 4:
                [length] = struct.unpack_from(">I", text, start)
                if length > LARGEST:
                    raise ValueError("too large")
                self._wanted = 4 + length
            if len(text) - start < self._wanted or self._wanted == 4:
                break
            found.append(text[start + 4 : start + self._wanted])
            start += self._wanted
        self._parts, self._size = [text[start:]], len(text) - start
        return found


class RemoteStdio:
    """The commands of the worker that leads."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(
        self,
        key: str,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        owner: str,
    ) -> Reply:
        """As StdioServer.send, for the command of that key. Raises Refusal upstream_*."""
        line = _Line(frame(Asked(key, method, headers, body, owner)))
        try:
            await asyncio.get_running_loop().create_connection(lambda: line, sock=dial(self._path))
        except OSError as error:
            raise failures.unreachable("commands", f"the worker that runs them does not answer: {error}") from error
        patient = method == "GET" or LISTEN.encode() in body[:256]
        return await line.coming.reply(dispatch, deadline, patient=patient)


class _Line(asyncio.Protocol):
    """One call's connection."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: Any = None
        self._cutter = Cutter()
        self._ended = False
        self.coming = Coming("commands", self._abort, self._room)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """What is said; a slow client slows the other worker down."""
        coming = self.coming
        for message in self._cutter.feed(data):
            said = msgspec.msgpack.decode(message, type=Said)
            if said.code:
                self._end(Refusal(said.code, "The command failed.", reason=said.reason, retry_after=said.retry_after))
                return
            if said.status:
                coming.begin(said.status, said.headers)
            if said.piece:
                coming.put(said.piece)
            if said.last:
                self._end(None)
                return
        if coming.full:
            self._transport.pause_reading()

    def _end(self, error: Refusal | None) -> None:
        self._ended = True
        self.coming.end(error)
        self._abort()

    def _room(self) -> None:
        if not self._ended:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Before the end of the reply: the other worker is gone."""
        if not self._ended:
            self._ended = True
            self.coming.end(failures.reset("commands", "the worker that runs them is gone"))

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
