"""An upstream that says exactly the bytes it was told to, and remembers what it was sent."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

from tests.servers.spawn import free_port

from triplegate.core.http import Body, BytesBody
from triplegate.core.policy import Dispatch
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor

Script = Callable[["Talk"], Awaitable[None]]


class Talk:
    """One connection as the script sees it."""

    def __init__(self, reader, writer, number):
        self.reader, self.writer, self.number = reader, writer, number
        self.received = bytearray()

    async def head(self) -> bytes:
        """The next request's head."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.received += head
        return head

    async def read(self, size: int) -> bytes:
        content = await self.reader.readexactly(size)
        self.received += content
        return content

    async def read_to_end(self) -> bytes:
        """Everything until the other side closes or resets."""
        with contextlib.suppress(ConnectionError):
            while piece := await self.reader.read(65536):
                self.received += piece
        return bytes(self.received)

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


class Upstream:
    """Listens on 127.0.0.1 and runs the script on each connection; closes the connection when the script ends."""

    def __init__(self, script: Script, port: int | None = None):
        self._script, self.port = script, free_port() if port is None else port
        self.talks: list[Talk] = []
        self.failures: list[BaseException] = []
        self._tasks: set[asyncio.Task] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def _serve(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        talk = Talk(reader, writer, len(self.talks) + 1)
        self.talks.append(talk)
        self._changed.set()
        try:
            await self._script(talk)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        except Exception as error:  # noqa: BLE001 - shown when the test ends
            self.failures.append(error)
        finally:
            with contextlib.suppress(Exception):
                writer.close()
                await writer.wait_closed()
            self._tasks.discard(task)
            self._changed.set()

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return len(self.talks)

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until `condition` holds, checked whenever a connection comes or ends."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.02)

    async def until_idle(self, seconds: float = 5.0) -> None:
        """Wait until no connection is open any more."""
        await self.until(lambda: not self._tasks, seconds)

    async def __aexit__(self, *error) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)
        assert not self.failures, self.failures


def says(*messages: bytes, close: bool = False) -> Script:
    """Answer the n-th request of each connection with the n-th message; then close, or wait for the other side to."""

    async def script(talk: Talk) -> None:
        for message in messages:
            await talk.head()
            await talk.say(message)
        if not close:
            await talk.read_to_end()

    return script


@contextlib.asynccontextmanager
async def pool_to(upstream: Upstream, **options) -> AsyncIterator[Pool]:
    """A pool that is closed, and proved empty, at the end."""
    supervisor = TaskSupervisor()
    pool = Pool(parse(upstream.url)[0], supervisor, **options)
    try:
        yield pool
    finally:
        pool.close()
        await supervisor.close()
        assert pool.counters().open == 0


DISPATCH = Dispatch(connect=2.0, first_byte=5.0, idle=5.0, total=10.0)


async def ask(pool: Pool, method: str = "GET", body: Body | None = None, dispatch: Dispatch = DISPATCH, **options):
    """Send one request to /x."""
    return await pool.send(
        method, b"/x", [(b"host", b"up.test"), *options.pop("headers", [])], body or BytesBody(), dispatch, **options
    )


async def content(reply) -> bytes:
    """All of a reply's body; checks what `done` promises."""
    pieces = []
    async for frame in reply.frames:
        assert frame
        pieces.append(frame)
    assert reply.frames.done
    return b"".join(pieces)


class Pieces(Body):
    """A body that comes piece by piece, once."""

    def __init__(self, pieces, length=None):
        self.kind, self.length, self.started = "one_pass", length, False
        self._pieces = pieces
        self.given = 0

    async def chunks(self):
        self.started = True
        if hasattr(self._pieces, "__aiter__"):
            async for piece in self._pieces:
                self.given += len(piece)
                yield piece
            return
        for piece in self._pieces:
            await asyncio.sleep(0)
            self.given += len(piece)
            yield piece

    async def whole(self, limit):
        raise AssertionError("a one-pass body was asked for as a whole")


class Stopwatch:
    """How long a block took, in seconds."""

    def __enter__(self):
        self._began = time.monotonic()
        return self

    def __exit__(self, *error):
        self.seconds = time.monotonic() - self._began
