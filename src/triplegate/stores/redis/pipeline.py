"""One connection to Redis: commands of one loop tick share one write, and no answer is waited for beyond a deadline."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor
from triplegate.stores.redis.address import open_connection, where

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

Argument = bytes | str | int | float

FAILURES = 5
"""Late writes in a row after which the store counts as away."""
PROBE = 1.0
"""Seconds between two tries to get it back."""
STALL = 0.02
"""Seconds by which a deadline fires late when the loop, not the store, is to blame."""
GRACE = 0.02
"""Seconds given to reading then."""


class StoreAway(Exception):
    """The store did not answer in time, or is known to be away; what was asked may have happened."""


_LATE = StoreAway("the deadline passed")
_DROPPED = StoreAway("the connection was lost")


class Pipeline:
    """Sends commands and keeps its connection; `keep` runs as the one long-lived piece of work."""

    def __init__(self, url: str, supervisor: Supervisor, *, deadline: float = 0.05, max_pending: int = 4_096) -> None:
        self.url = url
        self.up = False
        self.on_up: list[Callable[[], None]] = []
        self.on_down: list[Callable[[], None]] = []
        self.timeouts = 0
        """Writes some of whose answers were late."""
        self.losses = 0
        """Times the store went away."""
        self.last_error = ""
        self._supervisor = supervisor
        self._deadline = deadline
        self._max_pending = max_pending
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._outgoing: list[bytes] = []
        self._batch: list[asyncio.Future[Any]] | None = None
        self._failures = 0
        self._stop: Callable[[], None] | None = None

    async def open(self, within: float = 10.0, *, required: bool = True) -> None:
        """Connect and keep connected.

        Raises ConnectionError, naming host, port and remedy, when no answer comes within `within` seconds;
        with `required=False` it goes on trying in the background instead.
        """
        from hiredis import pack_command

        self._pack: Callable[[Any], bytes] = pack_command
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._lost = asyncio.Event()
        end = self._loop.time() + within
        connection = await self._probe(self._loop.time() + min(1.0, within))
        while connection is None and self._loop.time() < end and required:
            await asyncio.sleep(min(0.25, within))
            connection = await self._probe(min(self._loop.time() + 1.0, end))
        if connection is None and required:
            raise ConnectionError(
                f"Redis at {where(self.url)} does not answer ({self.last_error}). "
                "Start it, correct its address in the settings, or use the memory store (one worker only)."
            )
        if connection is not None:
            self._rise()
        self._stop = self._supervisor.spawn(self._keep(connection), "redis connection")
        await asyncio.sleep(0)  # begun, it gives the connection up however early it is cancelled

    def close(self) -> None:
        """Stop; what is still waiting is answered with StoreAway."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._fall("closed")

    def now(self) -> float:
        """Seconds of the loop's own clock."""
        return self._loop.time()

    def send(self, *arguments: Argument) -> "asyncio.Future[Any]":
        """Queue a command; the future gets the answer, a ResponseError or StoreAway as its *result*, never raises.

        Raises StoreAway at once while the store is away or `max_pending` answers are owed.
        """
        if not self.up or len(self._waiting) >= self._max_pending:
            raise _DROPPED
        packed = self._pack(arguments)  # may raise: before anything is owed
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(future)
        self._outgoing.append(packed)
        if self._batch is None:
            self._batch = [future]
            due = self._loop.time() + self._deadline
            self._loop.call_at(due, self._expire, self._batch, due)
            self._wake.set()
        else:
            self._batch.append(future)
        return future

    async def call(self, *arguments: Argument) -> Any:
        """One command's answer. Raises Refusal overloaded when the store is away or refuses the command."""
        return (await self.call_all(arguments))[-1]

    async def call_all(self, *commands: tuple[Argument, ...]) -> list[Any]:
        """The answers of commands sent together. Raises Refusal overloaded when one of them has none."""
        try:
            futures = [self.send(*command) for command in commands]
        except StoreAway as away:
            raise away_refusal(away) from None
        answers = [await future for future in futures]
        for answer in answers:
            if isinstance(answer, Exception):
                raise away_refusal(answer)
        return answers

    async def _keep(self, connection: "AbstractConnection | None") -> None:
        try:
            while True:
                if connection is not None:
                    await self._serve(connection)
                    await connection.disconnect(nowait=True)
                started = self._loop.time()
                connection = await self._probe(started + PROBE)
                if connection is None:
                    await asyncio.sleep(max(0.0, started + PROBE - self._loop.time()))
                else:
                    self._rise()
        finally:
            self._fall("closed")
            if connection is not None:
                await connection.disconnect(nowait=True)

    async def _probe(self, end: float) -> "AbstractConnection | None":
        """A connection that has answered a ping within the deadline, or None."""
        connection = open_connection(self.url)
        try:
            async with asyncio.timeout_at(end):
                await connection.connect()  # type: ignore[no-untyped-call]
            async with asyncio.timeout(max(self._deadline, 0.25)):
                await connection.send_packed_command([self._pack((b"PING",))], check_health=False)
                await connection.read_response(disable_decoding=True)
        except Exception as error:  # noqa: BLE001 - whatever it is: there is no connection, and the reason is kept
            self.last_error = str(error) or type(error).__name__
            await connection.disconnect(nowait=True)
            return None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def _serve(self, connection: "AbstractConnection") -> None:
        """Write and read until the connection is lost."""
        self._lost.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(connection))
                group.create_task(self._read(connection))
                await self._lost.wait()
                raise _DROPPED
        except* Exception as errors:  # noqa: BLE001 - the connection is given up, the reason is kept
            self._fall(str(errors.exceptions[0]))

    async def _write(self, connection: "AbstractConnection") -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            packed, self._outgoing, self._batch = self._outgoing, [], None
            if packed:
                await connection.send_packed_command(packed, check_health=False)

    async def _read(self, connection: "AbstractConnection") -> None:
        from redis.exceptions import ResponseError

        while True:
            answer: Any
            try:
                answer = await connection.read_response(disable_decoding=True, timeout=None, disconnect_on_error=False)
            except ResponseError as error:
                answer = error
            future = self._waiting.popleft()
            if not future.done():
                self._failures = 0
                future.set_result(answer)

    def _expire(self, batch: list["asyncio.Future[Any]"], due: float) -> None:
        """The deadline of one write: what has no answer yet gets none.

        When it is our own loop that stood still, answers may lie unread: reading comes first.
        """
        if self._loop.time() - due > STALL:
            self._loop.call_later(GRACE, self._expire, batch, float("inf"))
            return
        if batch is self._batch:
            self._batch = None
        late = [future for future in batch if not future.done()]
        for future in late:
            future.set_result(_LATE)
        if late:
            self.timeouts += 1
            self._failures += 1
            self.last_error = str(_LATE)
            if self._failures >= FAILURES:
                self._fall(str(_LATE))

    def _rise(self) -> None:
        self._failures = 0
        self.up = True
        for tell in self.on_up:
            tell()

    def _fall(self, reason: str) -> None:
        """From now on nobody waits: all owed answers are StoreAway, the connection is given up."""
        was_up, self.up = self.up, False
        waiting, self._waiting = self._waiting, deque()
        self._outgoing, self._batch = [], None
        for future in waiting:
            if not future.done():
                future.set_result(_DROPPED)
        if was_up:
            self.losses += 1
            self.last_error = reason
            self._lost.set()
            for tell in self.on_down:
                tell()


def away_refusal(reason: Exception) -> Refusal:
    """What a caller sees who cannot go on without the store."""
    return Refusal("overloaded", "The shared store does not answer.", reason=f"redis: {reason}", retry_after=1.0)
