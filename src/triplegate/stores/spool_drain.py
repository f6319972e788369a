"""From spool files into the ledger: batches, each with its place in the file, so that a repeat changes nothing."""

import asyncio
import bisect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from triplegate.core.record import Record
from triplegate.stores.spool_frame import Scan, scan
from triplegate.stores.spool_lane import Segment

_STRETCH = 512 << 10


class DrainLedger(Protocol):
    """What the drain needs of the ledger."""

    async def write(self, records: Sequence[Record]) -> int:
        """Insert what is new; the number of new rows."""
        ...

    async def drained(self, file: str) -> int:
        """Offset up to which a spool file is in the ledger."""
        ...

    async def absorb(self, file: str, begin: int, end: int, records: Sequence[Record]) -> int:
        """Take the records between two offsets of a file, once; the offset that holds now."""
        ...

    async def secure(self) -> bool:
        """Make what was taken outlast a power loss, before its file is deleted; False: not now, try again."""
        ...

    async def forget(self, files: Sequence[str]) -> None:
        """The files are gone: their offsets need no keeping."""
        ...


class Step:
    """What one stretch of a file held."""

    __slots__ = ("damaged", "ends", "intents", "records")

    def __init__(self, found: Scan) -> None:
        self.ends = [entry.end for entry in found.entries]
        self.damaged = found.damaged
        read = [entry.record for entry in found.entries if entry.record is not None]
        self.records = [record for record in read if record.kind != "intent"]
        self.intents = [record for record in read if record.kind == "intent"]


def read_stretch(segment: Segment, begin: int, *, sealed: bool, limit: int, intents: bool = True) -> tuple[Step, int]:
    """Up to `limit` records of `segment` from `begin`, and where the next stretch begins. Raises OSError.

    `intents`: whether those are wanted, and count.
    """
    stretch = _read(segment.path, begin, min(_STRETCH, segment.size - begin))
    if not stretch and sealed:
        return Step(Scan([], segment.size, 1)), segment.size  # the file is shorter than it was: what is gone is gone
    last = sealed and begin + len(stretch) >= segment.size
    found = scan(stretch, begin, last=last, limit=limit, intents=intents)
    return Step(found), found.end


async def drain_segment(ledger: DrainLedger, segment: Segment, *, sealed: bool, batch: int) -> tuple[int, int]:
    """Bring what `segment` holds into the ledger; entries taken and damaged places met.

    `sealed`: nothing is written to it any more. Raises OSError, and whatever the ledger raises when it is away.
    """
    taken = damaged = 0
    goal = segment.size  # what is written meanwhile is for the next time, or a busy lane would never be left
    while segment.drained < goal:
        begin = segment.drained
        step, end = await asyncio.to_thread(read_stretch, segment, begin, sealed=sealed, limit=batch, intents=False)
        if end == begin:
            break
        now = await ledger.absorb(segment.name, begin, end, step.records)
        if now == begin:
            raise RuntimeError(f"the ledger's offset of {segment.name} does not move")
        # It may also run backwards, where a database failed over and lost its last commits: they are sent again.
        taken += _move(segment, now, bisect.bisect_right(step.ends, now))
        damaged += step.damaged
    return taken, damaged


def _move(segment: Segment, now: int, entries: int) -> int:
    """Note that the ledger has `segment` up to `now`; the entries that are new to it."""
    forward = now > segment.drained
    segment.drained = now
    if now >= segment.size:
        segment.taken = segment.entries
    else:
        segment.taken = segment.taken + entries if forward else segment.entries * now // segment.size
    return entries if forward else 0


def _read(path: Path, begin: int, length: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(descriptor, length, begin)
    finally:
        os.close(descriptor)
