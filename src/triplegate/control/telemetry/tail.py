"""The last exchanges, and a bounded live view of the next ones."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from triplegate.control.telemetry.finished import Finished
from triplegate.core.money import to_dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = 200
"""Exchanges kept, and the most a slow watcher may lag behind."""
WATCHERS = 20
"""Most live views at once."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line of the tail. `started` in Unix seconds, times in ms; `cost` in US dollars, exact, as text."""

    seq: int
    id: str
    started: float
    gate: str
    method: str
    path: str
    part: str
    """The model, route or tool that it named."""
    route: str
    target: str
    status: int
    outcome: str
    refusal: str
    policy: str
    org: str
    team: str
    consumer: str
    duration_ms: float
    overhead_ms: float
    tokens: int
    cost: str
    attempts: int
    streamed: bool


def entry_of(seq: int, one: Finished) -> Entry:
    """The tail's line of a finished exchange."""
    record = one.record
    return Entry(
        seq,
        record.exchange,
        record.started,
        record.gate,
        one.rpc[:64] or one.http_method,
        one.path[:200],
        one.part[:200],
        record.route,
        record.target,
        record.status,
        record.outcome,
        record.refusal,
        one.policy,
        record.org,
        record.team,
        record.consumer,
        record.duration_us / 1000,
        record.overhead_us / 1000,
        sum(record.tokens),
        format(to_dollars(record.cost).normalize(), "f") if record.cost else "0",
        len(record.attempts),
        record.streamed,
    )


Sees = Callable[[Entry], bool]


class Watcher:
    """One live view; when it is slow it loses the oldest entries, which is counted."""

    __slots__ = ("_arrived", "_sees", "_waiting", "closed", "missed")

    def __init__(self, sees: Sees) -> None:
        self._sees = sees
        self._waiting: deque[Entry] = deque(maxlen=KEPT)
        self._arrived = asyncio.Event()
        self.missed = 0
        self.closed = False

    def close(self) -> None:
        """Wake the reader for the last time."""
        self.closed = True
        self._arrived.set()

    def offer(self, entries: Sequence[Entry]) -> int:
        """Queue those it may see; how many older ones were pushed out."""
        missed = self.missed
        for entry in entries:
            if self._sees(entry):
                self.missed += len(self._waiting) == KEPT
                self._waiting.append(entry)
                self._arrived.set()
        return self.missed - missed

    async def batches(self, beat: float) -> AsyncIterator[list[Entry]]:
        """Entries as they come; an empty list when `beat` seconds brought none, or when it is closed."""
        while not self.closed:
            try:
                async with asyncio.timeout(beat):
                    await self._arrived.wait()
            except TimeoutError:
                yield []
                continue
            self._arrived.clear()
            batch = list(self._waiting)
            self._waiting.clear()
            yield batch


class Tail:
    """A ring of the last exchanges and those who watch it."""

    def __init__(self) -> None:
        self._ring: deque[tuple[int, Finished]] = deque(maxlen=KEPT)
        self._watchers: set[Watcher] = set()
        self._seq = 0
        self._closed = False
        self.missed = 0
        """Entries that slow watchers lost."""

    def take(self, batch: Sequence[Finished]) -> None:
        """Add finished exchanges; never waits. Entries are made when somebody looks."""
        numbered = list(enumerate(batch, self._seq + 1))
        self._seq += len(batch)
        self._ring.extend(numbered)
        if self._watchers:
            entries = [entry_of(seq, one) for seq, one in numbered]
            for watcher in self._watchers:
                self.missed += watcher.offer(entries)

    @property
    def newest(self) -> int:
        """Number of the newest entry; 0 when there was none yet."""
        return self._seq

    @property
    def full(self) -> bool:
        """Whether no more live views fit, or none are given any more."""
        return self._closed or len(self._watchers) >= WATCHERS

    def close(self) -> None:
        """End all live views and give no more."""
        self._closed = True
        for watcher in self._watchers:
            watcher.close()

    def last(self, sees: Sees, after: int = 0, most: int = KEPT) -> list[Entry]:
        """The newest entries that `sees` allows, oldest first, numbered above `after`."""
        entries = [entry_of(seq, one) for seq, one in self._ring if seq > after]
        seen = [entry for entry in entries if sees(entry)]
        return seen[-most:] if most else []

    @contextmanager
    def watch(self, sees: Sees) -> "Iterator[Watcher | None]":
        """A live view for the length of the block; None when too many are open."""
        if self.full:
            yield None
            return
        watcher = Watcher(sees)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
