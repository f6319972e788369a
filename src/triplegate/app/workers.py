"""The workers of a node as one house: followers tell the leader what they counted, it tells them what to renew."""

import asyncio
import errno
import fcntl
import os
import struct
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from triplegate.app.node import Crew
from triplegate.app.sums import combine, counted
from triplegate.control.telemetry.finished import Finished
from triplegate.control.telemetry.tail import KEPT, Tail
from triplegate.control.view import Degraded
from triplegate.core.meters import Family, merge
from triplegate.upstreams.unix import bind, dial

SOCKET, LOCK = "workers.sock", "leader.lock"
EVERY = 0.5
"""Seconds between two reports of a follower."""
HELD = 5.0
"""Seconds to wait for a leader that is about to end."""
_LARGEST = 16 << 20
Orders = Mapping[str, Callable[[], Awaitable[object]]]
"""What a follower can be told to renew, by name: reload, keys, drain."""


class Report(msgspec.Struct, array_like=True):
    """What a follower tells: everything it counted since its start, and the calls that ended since the last report."""

    number: int
    start: str
    """Tells one start of worker `number` from the next."""
    done: int
    """The last order that it has carried out."""
    families: list[Family]
    finished: list[Finished]
    degraded: list[Degraded]


class Order(msgspec.Struct, array_like=True):
    """What the leader wants done; `number` comes back as `Report.done`."""

    number: int
    what: str


class Leader(Crew):
    """Worker 0: it has the control listener, and shows the sum of all `workers`."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._tail = Tail()
        self._lock = -1
        self._path = Path()
        self._server: asyncio.Server | None = None
        self._links: dict[int, _Link] = {}
        self._last: dict[int, Report] = {}
        self._past: list[Family] = []
        """What workers counted that are gone: a total never falls."""
        self._orders = 0
        self._news = asyncio.Event()

    def tail(self) -> Tail:
        """Its own; the others' calls are put in as they are told."""
        return self._tail

    async def open(self, state: Path) -> None:
        """Take the leader's lock, then the socket. Raises OSError, also when another gateway leads here."""
        self._lock, self._path = await _hold(state / LOCK), state / SOCKET
        self._server = await asyncio.start_unix_server(self._serve, sock=bind(self._path))

    def families(self, own: list[Family]) -> list[Family]:
        """Everybody's counters, those of dead workers too; gauges of the living."""
        living = [report.families for number, report in self._last.items() if number in self._links]
        gone = [counted(report.families) for number, report in self._last.items() if number not in self._links]
        return combine(own, [*living, *gone, self._past])

    def degraded(self) -> list[Degraded]:
        """What the others say, each part once, and whether one of them is missing."""
        found = {one.part: one for number in self._links if number in self._last for one in self._last[number].degraded}
        if len(self._links) < self._workers - 1:
            found["workers"] = Degraded("workers", f"{len(self._links) + 1} of {self._workers} workers serve")
        return list(found.values())

    async def order(self, what: str, within: float = 2.0) -> bool:
        """Have every follower renew something; False when one did not within `within` seconds."""
        self._orders += 1
        order = Order(self._orders, what)
        for link in self._links.values():
            link.send(order)
        try:
            async with asyncio.timeout(within):
                while any(link.done < order.number for link in self._links.values()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Give socket and lock back."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links.values()):
            link.close()
        if self._lock >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        number = 0
        # cancelled is only who outlasts the loop: asyncio would complain of that
        with suppress(OSError, EOFError, msgspec.MsgspecError, ValueError, asyncio.CancelledError):
            while True:
                report = msgspec.msgpack.decode(await _read(reader), type=Report)
                number = report.number
                self._links[number] = link
                self._take(link, report)
        if self._links.get(number) is link:
            del self._links[number]
        link.close()
        self._news.set()

    def _take(self, link: "_Link", report: Report) -> None:
        before = self._last.get(report.number)
        if before is not None and before.start != report.start:
            self._past = merge([self._past, counted(before.families)])
        if report.finished:
            self._tail.take(report.finished)
            report.finished = []
        self._last[report.number] = report
        link.done = report.done
        self._news.set()


class Follower(Crew):
    """Worker 1 and above: it serves, and reports twice a second; without a leader it serves on and forgets."""

    leads = False

    def __init__(self, number: int) -> None:
        self._number, self._start = number, os.urandom(8).hex()
        self._tail = _Outgoing()
        self._place = Path()
        self._orders: Orders = {}
        self._done = 0
        self._wake = asyncio.Event()

    def obey(self, orders: Orders) -> None:
        """What the leader may have it renew."""
        self._orders = orders

    def tail(self) -> Tail:
        """A bounded queue to the leader; what it loses is counted as the tail's."""
        return self._tail

    async def open(self, state: Path) -> None:
        """Remember where the leader will be."""
        self._place = state

    async def run(self, told: Callable[[], Sequence[Family]], degraded: Callable[[], Sequence[Degraded]]) -> None:
        """Report, for ever, to whoever leads."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_unix_connection(sock=dial(self._place / SOCKET))
                try:
                    await self._talk(reader, writer, told, degraded)
                finally:
                    writer.close()
            await asyncio.sleep(EVERY / 2)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: Any, degraded: Any) -> None:
        self._done = 0
        obeying = asyncio.ensure_future(self._obey(reader))  # noqa: TID251 - one a connection, not one a request
        try:
            while not obeying.done():
                self._wake.clear()
                await self._tell(writer, told(), degraded())
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self._wake.wait()
        finally:
            obeying.cancel()
            with suppress(asyncio.CancelledError, OSError, EOFError, ValueError, msgspec.MsgspecError):
                await obeying

    async def _tell(
        self, writer: asyncio.StreamWriter, families: Sequence[Family], degraded: Sequence[Degraded]
    ) -> None:
        finished = self._tail.all()
        report = Report(self._number, self._start, self._done, list(families), finished, list(degraded))
        try:
            writer.write(_framed(report))
            async with asyncio.timeout(5.0):
                await writer.drain()
        except OSError:
            self._tail.missed += len(finished)
            raise

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                order = msgspec.msgpack.decode(await _read(reader), type=Order)
                try:
                    await self._orders[order.what]()
                except Exception as error:  # noqa: BLE001 - a worker that cannot renew something serves on
                    print(f"worker {self._number}: {order.what}: {error}", file=sys.stderr, flush=True)
                self._done = order.number
                self._wake.set()
        finally:
            self._wake.set()


class _Outgoing(Tail):
    """Finished calls on their way to the leader; the oldest give way."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Finished] = deque(maxlen=KEPT)

    def take(self, batch: Sequence[Finished]) -> None:
        """Queue them."""
        self.missed += max(0, len(self._waiting) + len(batch) - KEPT)
        self._waiting.extend(batch)

    def all(self) -> list[Finished]:
        """What waits; it waits no more."""
        batch = list(self._waiting)
        self._waiting.clear()
        return batch


class _Link:
    """The leader's end of the connection to one follower."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.done = 0
        self._writer = writer

    def send(self, order: Order) -> None:
        """Never waits; a follower that takes nothing is cut off."""
        self._writer.write(_framed(order))
        if self._writer.transport.get_write_buffer_size() > 65_536:
            self.close()

    def close(self) -> None:
        """At once."""
        self._writer.transport.abort()


async def _hold(path: Path) -> int:
    os.makedirs(path.parent, mode=0o700, exist_ok=True)  # noqa: PTH103 - once, at start
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = asyncio.get_running_loop().time() + HELD
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if asyncio.get_running_loop().time() > end:
                os.close(lock)
                text = "another gateway leads the workers of this state directory: stop that one"
                raise OSError(errno.EAGAIN, text, str(path)) from None
            await asyncio.sleep(0.05)
            continue
        return lock


def _framed(message: Report | Order) -> bytes:
    content = msgspec.msgpack.encode(message)
    return struct.pack(">I", len(content)) + content


async def _read(reader: asyncio.StreamReader) -> bytes:
    """One message. Raises EOFError at the end, ValueError when it is too large."""
    [size] = struct.unpack(">I", await reader.readexactly(4))
    if size > _LARGEST:
        raise ValueError("too large")
    return await reader.readexactly(size)
