"""A client by hand, cheap enough for hundreds at once: it knows exactly which answers were complete."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

WITHIN = 20.0


class Call:
    """One request on a connection of its own; its answer is read as it comes, or cut off."""

    def __init__(
        self, port: int, path: str, *, key: str = "", body: object = None, host: str = "gateway.test", **fields: str
    ) -> None:
        self.port = port
        content = b"" if body is None else json.dumps(body).encode()
        head = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        head += [f"Authorization: Bearer {key}"] if key else []
        head += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        head += [] if body is None else ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        self._request = "\r\n".join([*head, "", ""]).encode() + content
        self.status = 0
        self.headers: dict[str, str] = {}
        self.raw = b""
        """The body as it came, with its framing."""
        self.ended = False
        self.begun = self.took = 0.0

    async def begin(self) -> "Call":
        """Send it and read the head. Raises OSError or EOFError when there is none."""
        self.begun = time.monotonic()
        async with asyncio.timeout(WITHIN):
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
            self._writer.write(self._request)
            head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        return self

    @property
    def id(self) -> str:
        return self.headers.get("x-request-id", "")

    async def until(self, fits: Callable[[bytes], bool]) -> bytes:
        """Read until what came so far `fits`, or to the end."""
        async with asyncio.timeout(WITHIN):
            while not self.ended and not fits(self.raw):
                await self._more()
        return self.raw

    async def _more(self) -> None:
        try:
            piece = await self._reader.read(65536)
        except ConnectionError:
            piece = b""
        self.raw += piece
        self.ended = not piece

    async def finish(self) -> "Call":
        """Read to the end of the connection."""
        await self.until(lambda _: False)
        self.took = time.monotonic() - self.begun
        self.cut()
        return self

    @property
    def complete(self) -> bool:
        """Whether the message says that this is all of it (RFC 9112 §8)."""
        if self.headers.get("transfer-encoding") == "chunked":
            return self.raw.endswith(b"0\r\n\r\n")
        return len(self.raw) == int(self.headers.get("content-length", "-1"))

    @property
    def text(self) -> str:
        return self.raw.decode()

    def cut(self) -> None:
        """Close the connection, whatever is under way."""
        if hasattr(self, "_writer"):
            self._writer.transport.abort()


async def ask(port: int, path: str, **more) -> Call:
    """One whole call."""
    call = Call(port, path, **more)
    try:
        await call.begin()
        return await call.finish()
    finally:
        call.cut()


class Load:
    """`size` clients that call one after the other, until told to stop; what became of each call is counted."""

    def __init__(self, size: int, make: Callable[[int], Call], pause: float = 0.0) -> None:
        self._size, self._make, self._pause = size, make, pause
        self.seen: Counter[object] = Counter()
        """Statuses of whole answers; `incomplete`; `refused`: no connection; `dropped`: no answer."""
        self.times: list[tuple[float, float]] = []
        """(begin, seconds) of whole answers, on the monotonic clock."""
        self.failures: list[tuple[float, object]] = []
        self._number = 0
        self._stopped = False

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._size)]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Let every client end its call."""
        self._stopped = True
        async with asyncio.timeout(WITHIN * 2):
            await asyncio.gather(*self._tasks)

    async def made(self, count: int, within: float = WITHIN) -> None:
        """Until `count` more calls were answered."""
        goal = sum(self.seen.values()) + count
        async with asyncio.timeout(within):
            while sum(self.seen.values()) < goal:
                await asyncio.sleep(0.005)

    async def _client(self) -> None:
        while not self._stopped:
            self._number += 1
            call = self._make(self._number)
            began = time.monotonic()
            what = await self._one(call)
            self.seen[what] += 1
            if what == 200:
                self.times.append((began, call.took))
            else:
                self.failures.append((began, what))
            if self._pause:
                await asyncio.sleep(self._pause)
            elif what in {"refused", "dropped"}:
                await asyncio.sleep(0.02)

    @staticmethod
    async def _one(call: Call) -> object:
        try:
            await call.begin()
            await call.finish()
        except ConnectionRefusedError:
            return "refused"
        except (OSError, EOFError):
            return "dropped"
        finally:
            call.cut()
        return call.status if call.complete else "incomplete"


@contextlib.asynccontextmanager
async def cuts(calls: list[Call]):
    """Calls that are cut when the block ends, whatever happened."""
    try:
        yield calls
    finally:
        for call in calls:
            call.cut()
