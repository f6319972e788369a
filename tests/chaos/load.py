"""An upstream with so many slots, and callers who do not wait for one another (open loop)."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator

from tests.servers.spawn import free_port


class Slots:
    """Answers each call after `seconds`, so many at once; the others wait inside it, without bound.

    Every `slow`th call takes half a second.
    """

    def __init__(self, slots: int = 20, seconds: float = 0.05, status: bytes = b"200 OK", slow: int = 0):
        self.seconds, self.status, self.slow = seconds, status, slow
        self.free = asyncio.Semaphore(slots)
        self.seen = 0
        self.tasks: set[asyncio.Task] = set()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.seen += 1
                seconds = 0.5 if self.slow and self.seen % self.slow == 0 else self.seconds
                async with self.free:
                    if seconds:
                        await asyncio.sleep(seconds)
                writer.write(b"HTTP/1.1 " + self.status + b"\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Slots"]:
        """Until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", free_port(), backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(self.tasks):
                task.cancel()
            if self.tasks:
                await asyncio.wait(list(self.tasks), timeout=5)


class Load:
    """Calls of one caller: how many of each status, how long the good ones took, and what the refused ones said."""

    def __init__(self, port: int, path: str, key: str = ""):
        self.port = port
        fields = f"Host: a.test\r\n{f'Authorization: Bearer {key}' if key else 'Accept: */*'}\r\n\r\n"
        self.request = f"GET {path} HTTP/1.1\r\n{fields}".encode()
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.refused: list[bytes] = []

    def forget(self) -> None:
        """Begin counting anew."""
        self.statuses.clear()
        self.seconds.clear()
        self.refused.clear()

    async def call(self) -> int:
        """One call; its status, 0 when the connection broke."""
        began = time.monotonic()
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self.request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            status = 0
        else:
            status = int(head[9:12])
            self.idle.append((reader, writer))
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(time.monotonic() - began)
        elif status:
            self.refused.append(head.lower())
        return status

    async def one_by_one(self, calls: int) -> None:
        """Each after the one before."""
        for _ in range(calls):
            await self.call()

    async def at_rate(self, rate: float, seconds: float) -> None:
        """So many a second, whether the earlier ones were answered or not; waits for the last."""
        began, sent, tasks = time.monotonic(), 0, set()
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                sent += 1
                task = asyncio.ensure_future(self.call())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(0.002)
        if tasks:
            await asyncio.wait(tasks, timeout=30)

    async def crowd(self, callers: int, seconds: float) -> float:
        """So many callers who call again as soon as they are answered; good answers a second."""
        end, before = time.monotonic() + seconds, self.statuses[200]

        async def caller() -> None:
            while time.monotonic() < end:
                await self.call()

        await asyncio.gather(*[caller() for _ in range(callers)])
        return (self.statuses[200] - before) / seconds

    def p(self, share: float) -> float:
        """Seconds within which that share of the good answers came."""
        return sorted(self.seconds)[min(int(len(self.seconds) * share), len(self.seconds) - 1)]

    def close(self) -> None:
        """Give the connections up."""
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()
