"""The local end of the ledger: what was charged survives kill -9 and waits here for the database."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.record import Record
from triplegate.core.ulid import Ulids
from triplegate.stores.spool_adopt import LANES, Dead, adopt, drain_dead, hold_lock
from triplegate.stores.spool_drain import DrainLedger, drain_segment
from triplegate.stores.spool_frame import HEADER, MAX_PAYLOAD, frame
from triplegate.stores.spool_gather import Gather
from triplegate.stores.spool_lane import Lane, Segment, Write
from triplegate.stores.spool_sync import GroupSync

BATCH = 400
"""Records in one transaction: few enough that the event loop does not wait 20 ms while they are written."""
_ROOM = HEADER.size + MAX_PAYLOAD


class Limits(msgspec.Struct, frozen=True):
    """Bytes of disk for each lane of one process; at 4/5 it is full for new work."""

    billed: int = 256 << 20
    unpriced: int = 64 << 20


class Depth(msgspec.Struct):
    """What a lane holds and what became of what it could not hold; for metrics and pages."""

    entries: int
    """Entries not yet in the database."""
    size: int
    """Bytes on disk."""
    limit: int
    open_intents: int
    dropped: int
    lost: int
    damaged: int
    full: bool
    trouble: str


class Spool:
    """Two lanes with two marks, so that unpriced traffic can never refuse billed traffic.

    Billed: an intent before the first upstream byte, refused when the lane is full; its final always fits.
    Unpriced: dropped and counted when the lane is full.
    """

    def __init__(
        self, directory: Path, node: str, clock: Clock, limits: Limits | None = None, *, write: Write = os.write
    ) -> None:
        limits = limits or Limits()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.stem = f"{_file_name(node)}-{Ulids(clock).make()}"
        self.failure = ""
        """Why the last drain did not get through; empty when it did."""
        self.drained_at = 0.0
        """Unix seconds of the last drain that emptied both lanes."""
        self._clock = clock
        self._emptied = clock.now()
        self._lock = hold_lock(directory, self.stem)
        self._sync = GroupSync()
        self._billed = Lane(directory / LANES[0], self.stem, limits.billed, self._sync, write)
        self._unpriced = Lane(directory / LANES[1], self.stem, limits.unpriced, self._sync, write)
        self._gather = Gather(self._unpriced)
        self._lanes = {LANES[0]: self._billed, LANES[1]: self._unpriced}
        self._damaged = dict.fromkeys(LANES, 0)
        self._dead: list[Dead] = []
        self._draining = asyncio.Lock()

    def append(self, record: Record) -> None:
        """One `write(2)`; unpriced records of a moment share theirs, and those that differ only in numbers an entry.

        Raises Refusal ledger_full for intents and interims of a full lane; finals always fit.
        """
        if not record.billed:
            self._append_unpriced(record)
        elif record.kind == "final":
            self._append_final(record)
        elif record.kind == "intent":
            self.intent(record)
        elif record.kind == "interim" and self._billed.full:
            raise _refusal(self._billed)
        else:
            self._billed.append(frame(record))

    def intent(self, record: Record) -> None:
        """Note what a billed call sets aside, before its first upstream byte. Raises Refusal ledger_full."""
        lane = self._billed
        if lane.full or not lane.intend(record.exchange, frame(record)):
            raise _refusal(lane)

    def depth(self) -> dict[str, Depth]:
        """The standing of the lanes `billed` and `unpriced`."""
        self._gather.flush()
        return {name: self._depth(name, lane) for name, lane in self._lanes.items()}

    def lag(self) -> float:
        """Seconds that something has been waiting for the database; 0 when nothing is."""
        if not any(lane.waiting for lane in self._lanes.values()):
            return 0.0
        return self._clock.now() - self._emptied

    async def drain(self, ledger: DrainLedger, batch: int = BATCH) -> int:
        """Bring what stands here now into the ledger, dead processes' files too; entries taken.

        Raises what the ledger raises, and OSError; may be repeated after any failure.
        """
        async with self._draining:
            self._gather.flush()
            taken = 0
            for name, lane in self._lanes.items():
                taken += await self._drain_lane(ledger, name, lane, batch)
            taken += await self._drain_dead(ledger, batch)
            self.drained_at, self._emptied = self._clock.wall(), self._clock.now()
            return taken

    async def run(self, ledger: DrainLedger, every: float = 0.5) -> None:
        """Drain for ever, `every` seconds apart, up to 8 s while the database is away; recover the disk meanwhile."""
        pause = every
        while True:
            for lane in self._lanes.values():
                lane.recover()
            try:
                await self.drain(ledger)
                self.failure, pause = "", every
            except Exception as error:  # noqa: BLE001 - the drain outlives whatever the database or the disk raises
                self.failure, pause = f"{type(error).__name__}: {error}", min(pause * 2, 8.0)
            await asyncio.sleep(pause)

    def close(self) -> None:
        """Sync and let go, once; what is not drained is adopted by the next start."""
        if self._lock < 0:
            return
        self._gather.flush()
        for lane in self._lanes.values():
            lane.recover()
            lane.close()
        for dead in self._dead:
            dead.let_go()
        self._sync.close()
        os.close(self._lock)
        self._lock = -1

    def _append_final(self, record: Record) -> None:
        """A final with an intent has its room; others only while there is room for all of those."""
        lane = self._billed
        if record.exchange in lane.open:
            lane.append(frame(record))
            lane.settle(record.exchange)
        elif not lane.full:
            lane.append(frame(record))
        elif not record.cost:
            lane.dropped += 1
        elif lane.total + (len(lane.open) + 1) * _ROOM > lane.limit:
            lane.lost += 1
        else:
            lane.append(frame(record))

    def _append_unpriced(self, record: Record) -> None:
        if record.kind == "intent":
            return
        if self._unpriced.full:
            self._unpriced.dropped += 1
            return
        self._gather.append(record)

    def _depth(self, name: str, lane: Lane) -> Depth:
        return Depth(
            entries=lane.waiting,
            size=lane.total,
            limit=lane.limit,
            open_intents=len(lane.open),
            dropped=lane.dropped,
            lost=lane.lost,
            damaged=self._damaged[name],
            full=lane.full,
            trouble=lane.trouble,
        )

    async def _drain_dead(self, ledger: DrainLedger, batch: int) -> int:
        for dead in await asyncio.to_thread(adopt, self.directory, self.stem, {dead.stem for dead in self._dead}):
            self._dead.append(dead)
            self._weigh(dead, 1)
        taken = 0
        for dead in list(self._dead):
            result = await drain_dead(ledger, dead, self.directory, batch)
            taken += result.entries
            if dead.lock < 0:
                self._dead.remove(dead)
                self._weigh(dead, -1)
                self._damaged[LANES[0]] += result.damaged
        return taken

    async def _drain_lane(self, ledger: DrainLedger, name: str, lane: Lane, batch: int) -> int:
        taken = 0
        for segment in list(lane.segments):
            sealed = segment is not lane.segments[-1]
            entries, damaged = await drain_segment(ledger, segment, sealed=sealed, batch=batch)
            taken += entries
            self._damaged[name] += damaged
        if lane.collectable and await ledger.secure():
            await self._delete(ledger, lane.collect())
        return taken

    async def _delete(self, ledger: DrainLedger, gone: Sequence[Segment]) -> None:
        await asyncio.to_thread(_unlink, gone)  # one piece: a drain that is broken off leaves no file behind
        await ledger.forget([segment.name for segment in gone])

    def _weigh(self, dead: Dead, sign: int) -> None:
        """Adopted files take room of our own lanes until they are gone."""
        for name, segments in dead.lanes.items():
            self._lanes[name].total += sign * sum(segment.size for segment in segments)


def _refusal(lane: Lane) -> Refusal:
    return Refusal("ledger_full", reason=lane.trouble or f"the billed spool holds {lane.total} of {lane.limit} bytes")


def _unlink(segments: Sequence[Segment]) -> None:
    for segment in segments:
        segment.path.unlink(missing_ok=True)


def _file_name(node: str) -> str:
    return "".join([letter if letter.isalnum() else "_" for letter in node])[:40] or "node"
