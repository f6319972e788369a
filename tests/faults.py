"""A TCP proxy that breaks things on purpose, between any two parts that talk over a socket.

async with FaultProxy("127.0.0.1", port) as proxy:
    proxy.faults.latency = 0.2          # from now on, for every connection
    ... use proxy.port instead of port ...
    proxy.reset_all()
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Literal, Self

from tests.servers.spawn import free_port

Way = Literal["up", "down"]
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Faults:
    """What is wrong; changed at any time, in force for the next piece. `up` is towards the server, `down` back."""

    latency: float = 0.0
    """Seconds that every piece is late."""
    rate: float = 0.0
    """Bytes a second each way; 0: unlimited."""
    blackhole: bool = False
    """Connections are accepted, bytes are read and thrown away, nothing ever comes back."""
    half_open: Way | None = None
    """That direction has silently stopped: nothing is forwarded, nothing is closed."""
    stuck: Way | None = None
    """That direction is not even read: the sender's buffers fill up."""
    truncate: int | None = None
    """Bytes of each connection's `down` after which it is closed cleanly."""
    reset: int | None = None
    """Bytes of each connection's `down` after which it is reset."""
    slow_close: float = 0.0
    """Seconds between one side's end and the other side's hearing of it."""
    refuse: bool = False
    """New connections are reset at once."""
    piece: int = 65536
    """Largest piece forwarded at once: 1 cuts everything into single bytes."""


class FaultProxy:
    """Forwards 127.0.0.1:port to host:port, as well as its faults allow."""

    def __init__(self, host: str, port: int, faults: Faults | None = None) -> None:
        self._host, self._port = host, port
        self.faults = faults or Faults()
        self.accepted = 0
        """Connections so far."""
        self.carried: dict[Way, int] = {"up": 0, "down": 0}
        """Bytes forwarded so far."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._links: set[Link] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", free_port())
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        """http:// and where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """Connections open now."""
        return len(self._links)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        link = Link(self, reader, writer)
        self._links.add(link)
        try:
            if self.faults.refuse:
                link.reset()
            else:
                await link.run(self._host, self._port)
        except (OSError, asyncio.CancelledError):
            link.reset()
        finally:
            self._links.discard(link)
            self._tasks.discard(task)

    def reset_all(self) -> None:
        """Reset every open connection, both sides."""
        for link in list(self._links):
            link.reset()

    async def stop_listening(self) -> None:
        """New connections are refused by the kernel; the open ones go on."""
        self._server.close()

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = (reader, writer)
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._down = 0

    async def run(self, host: str, port: int) -> None:
        self._server = await asyncio.open_connection(host, port)
        self._pumps = [
            asyncio.ensure_future(self._pump("up", self._client[0], self._server[1])),
            asyncio.ensure_future(self._pump("down", self._server[0], self._client[1])),
        ]
        try:
            await asyncio.gather(*self._pumps, return_exceptions=True)
        finally:
            for pump in self._pumps:
                pump.cancel()
            for _, writer in (self._client, self._server):
                writer.close()

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        faults = self._proxy.faults
        while True:
            while faults.stuck == way:
                await asyncio.sleep(0.01)
            content = await reader.read(max(1, faults.piece))
            if faults.latency:
                await asyncio.sleep(faults.latency)
            if not content:
                break
            if faults.blackhole or faults.half_open == way:
                continue
            if faults.rate:
                await asyncio.sleep(len(content) / faults.rate)
            if way == "down" and not self._let_through(content, writer):
                return
            writer.write(content)
            await writer.drain()
            self._proxy.carried[way] += len(content)
        await self._end(way, writer)

    def _let_through(self, content: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether all of `content` may pass; else what may has passed and the end has come."""
        faults = self._proxy.faults
        limits = [limit for limit in (faults.truncate, faults.reset) if limit is not None]
        before, self._down = self._down, self._down + len(content)
        if not limits or self._down < min(limits):
            return True
        writer.write(content[: min(limits) - before])
        if faults.reset is not None and min(limits) == faults.reset:
            asyncio.get_running_loop().call_later(0.02, self.reset)  # after what was written
        else:
            writer.close()
            if self._server is not None:
                self._server[1].close()
        return False

    async def _end(self, way: Way, writer: asyncio.StreamWriter) -> None:
        faults = self._proxy.faults
        if faults.slow_close:
            await asyncio.sleep(faults.slow_close)
        if faults.blackhole or faults.half_open == way:
            await asyncio.Event().wait()
        with contextlib.suppress(OSError):
            writer.write_eof()

    def reset(self) -> None:
        """RST to both sides."""
        for end in (self._client, self._server):
            if end is not None:
                sock = end[1].get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end[1].transport.abort()
        for pump in self._pumps:
            pump.cancel()
