"""What a process left behind when it died: its spool files are taken over, its open intents become unknown rows."""

import asyncio
import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from triplegate.core.record import Record
from triplegate.stores.spool_drain import DrainLedger, read_stretch
from triplegate.stores.spool_lane import Segment

LANES = ("billed", "unpriced")
UNKNOWN_PART = 1_000_000
"""Part of an unknown row: above any interim's, so that adopting twice writes it once."""


class Dead(msgspec.Struct):
    """The files of one process that is gone; the lock is ours until they are done."""

    stem: str
    lock: int
    """Descriptor of the held lock; -1 once it is given back."""
    lanes: dict[str, list[Segment]]

    def let_go(self) -> None:
        """Give the lock back; whoever comes next may adopt what is left."""
        lock, self.lock = self.lock, -1
        if lock >= 0:
            os.close(lock)


class Adopted(msgspec.Struct):
    """What came of one dead process."""

    entries: int = 0
    unknown: int = 0
    damaged: int = 0


def hold_lock(directory: Path, stem: str) -> int:
    """The lock that says this process lives; it appears only once it is held, so nobody can slip in between."""
    draft = directory / f"{stem}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    draft.rename(directory / f"{stem}.lock")
    return descriptor


def adopt(directory: Path, own: str, known: set[str] | None = None) -> list[Dead]:
    """Lock and list what dead processes left under `directory`, but for this process (`own`) and the `known` ones."""
    stems = {path.name.split(".")[0] for path in directory.glob("*.lock")}
    for lane in LANES:
        stems.update(path.name.split(".")[0] for path in (directory / lane).glob("*.spool"))
    found = (_take_over(directory, stem) for stem in sorted(stems - {own} - (known or set())))
    return [dead for dead in found if dead is not None]


async def drain_dead(ledger: DrainLedger, dead: Dead, directory: Path, batch: int) -> Adopted:
    """Bring everything of `dead` into the ledger, then delete it; its lock is held until that is done.

    May be repeated after any failure.
    """
    result = Adopted()
    files = [segment for segments in dead.lanes.values() for segment in segments]
    if dead.lock >= 0:
        await _absorb_all(ledger, dead, result, batch)
        if not await ledger.secure():
            return result
        await asyncio.to_thread(_delete, directory, dead, files)
        dead.let_go()
    await ledger.forget([segment.name for segment in files])
    return result


async def _absorb_all(ledger: DrainLedger, dead: Dead, result: Adopted, batch: int) -> None:
    for segments in dead.lanes.values():
        open_intents: dict[str, Record] = {}
        for segment in segments:
            await _drain_segment(ledger, segment, open_intents, result, batch)
        orphans = [unknown_of(intent) for intent in open_intents.values()]
        for begin in range(0, len(orphans), batch):
            result.unknown += await ledger.write(orphans[begin : begin + batch])


def unknown_of(intent: Record) -> Record:
    """The row of a call whose end nobody saw: it costs what was set aside for it."""
    return msgspec.structs.replace(
        intent,
        kind="unknown",
        part=UNKNOWN_PART,
        outcome="unknown",
        usage_source="estimated",
        own_cost=intent.list_cost,
        cost=intent.list_cost,
        attempts=(),
    )


async def _drain_segment(
    ledger: DrainLedger, segment: Segment, open_intents: dict[str, Record], result: Adopted, batch: int
) -> None:
    """Read all of `segment` for intents and finals; hand on only what the ledger does not have."""
    have = await ledger.drained(segment.name)
    at = 0
    while at < segment.size:
        # Never across the ledger's own offset: the stretch is either known to it or new.
        upto = have if at < have else segment.size
        part = Segment(segment.path, upto)
        step, end = await asyncio.to_thread(read_stretch, part, at, sealed=True, limit=batch)
        if at >= have:
            now = await ledger.absorb(segment.name, at, end, step.records)
            if now != end:
                raise RuntimeError(f"{segment.name} is drained by someone else, too")
            result.entries += len(step.ends)
        for intent in step.intents:
            open_intents[intent.exchange] = intent
        for record in step.records:
            if record.kind != "interim":
                open_intents.pop(record.exchange, None)
        result.damaged += step.damaged
        at = end


def _take_over(directory: Path, stem: str) -> Dead | None:
    try:
        lock = os.open(directory / f"{stem}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    lanes = {lane: _segments(directory / lane, stem) for lane in LANES}
    return Dead(stem, lock, lanes)


def _segments(directory: Path, stem: str) -> list[Segment]:
    """The files of a stem, oldest first; one that another adopter deletes meanwhile is not listed."""
    segments: list[Segment] = []
    for path in sorted(directory.glob(f"{stem}.*.spool")):
        with contextlib.suppress(FileNotFoundError):
            segments.append(Segment(path, path.stat().st_size))
    return segments


def _delete(directory: Path, dead: Dead, files: list[Segment]) -> None:
    for segment in files:
        segment.path.unlink(missing_ok=True)
    for lane in LANES:
        (directory / lane / f"{dead.stem}.reserve").unlink(missing_ok=True)
    (directory / f"{dead.stem}.lock").unlink(missing_ok=True)
