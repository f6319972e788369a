"""The drain: batches with their place, so that a repeat changes nothing."""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import intent, record
from tests.stores.sql.databases import opened

from triplegate.core.record import Record
from triplegate.stores.spool_drain import drain_segment
from triplegate.stores.spool_frame import frame
from triplegate.stores.spool_lane import Segment
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import records


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        yield database


def segment_of(folder: Path, entries: Sequence[bytes]) -> Segment:
    path = folder / "stem.000000.spool"
    path.write_bytes(b"".join(entries))
    return Segment(path, path.stat().st_size)


async def exchanges(database: Database) -> list[str]:
    async with database.reading() as connection:
        return sorted(await connection.scalars(sa.select(records.c.exchange)))


async def test_all_but_intents_arrives(database: Database, tmp_path: Path) -> None:
    segment = segment_of(
        tmp_path, [frame(one) for n in range(30) for one in (intent(f"x{n}"), record(exchange=f"x{n}"))]
    )
    assert await drain_segment(SqlLedger(database), segment, sealed=True, batch=7) == (60, 0)
    assert segment.drained == segment.size
    assert await exchanges(database) == sorted(f"x{n}" for n in range(30))


class Counting(SqlLedger):
    """Notes the size of each batch."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sizes: list[int] = []

    async def absorb(self, file: str, begin: int, end: int, batch: Sequence[Record]) -> int:
        self.sizes.append(len(batch))
        return await super().absorb(file, begin, end, batch)


async def test_a_batch_is_so_many_rows_however_many_intents_stand_between(database: Database, tmp_path: Path) -> None:
    names = [f"01KAR2AAAAAAAAAAAAAAAAAA{n:02}" for n in range(20)]
    segment = segment_of(tmp_path, [frame(one) for name in names for one in (intent(name), record(exchange=name))])
    ledger = Counting(database)
    assert await drain_segment(ledger, segment, sealed=True, batch=8) == (40, 0)
    assert ledger.sizes == [8, 8, 4]
    assert await exchanges(database) == names


async def test_an_unfinished_entry_waits_for_its_rest(database: Database, tmp_path: Path) -> None:
    last = frame(record(exchange="b"))
    segment = segment_of(tmp_path, [frame(record(exchange="a")), last[:50]])
    ledger = SqlLedger(database)
    assert await drain_segment(ledger, segment, sealed=False, batch=10) == (1, 0)
    with segment.path.open("ab") as file:
        file.write(last[50:])
    segment.size = segment.path.stat().st_size
    assert await drain_segment(ledger, segment, sealed=False, batch=10) == (1, 0)
    assert await exchanges(database) == ["a", "b"]


async def test_damage_is_counted_and_the_rest_arrives(database: Database, tmp_path: Path) -> None:
    hurt = bytearray(frame(record(exchange="b")))
    hurt[100] ^= 1
    segment = segment_of(tmp_path, [frame(record(exchange="a")), bytes(hurt), frame(record(exchange="c"))])
    assert await drain_segment(SqlLedger(database), segment, sealed=True, batch=10) == (2, 1)
    assert await exchanges(database) == ["a", "c"]


async def test_a_file_that_vanished_is_one_damaged_place(database: Database, tmp_path: Path) -> None:
    segment = segment_of(tmp_path, [frame(record())])
    segment.path.unlink()
    assert await drain_segment(SqlLedger(database), segment, sealed=True, batch=10) == (0, 1)
    assert segment.drained == segment.size


class LostAnswer(SqlLedger):
    """Commits, and then the connection breaks before the answer arrives."""

    breaks = 1

    async def absorb(self, file: str, begin: int, end: int, batch: Sequence[Record]) -> int:
        now = await super().absorb(file, begin, end, batch)
        if self.breaks:
            self.breaks -= 1
            raise ConnectionResetError
        return now


async def test_a_commit_whose_answer_was_lost_is_not_repeated(database: Database, tmp_path: Path) -> None:
    entries = [frame(record(exchange=f"x{n}", billed=False, each=False, attempts=())) for n in range(40)]
    segment = segment_of(tmp_path, entries)
    ledger = LostAnswer(database)
    with pytest.raises(ConnectionResetError):
        await drain_segment(ledger, segment, sealed=True, batch=10)
    assert segment.drained == 0
    assert await drain_segment(ledger, segment, sealed=True, batch=25) == (40, 0)
    assert segment.drained == segment.size
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT sum(requests) FROM rollups_minute")) == 40


async def test_a_database_that_lost_its_last_commits_gets_them_again(database: Database, tmp_path: Path) -> None:
    segment = segment_of(tmp_path, [frame(record(exchange=f"x{n:02}")) for n in range(40)])
    segment.entries = 40
    ledger = SqlLedger(database)
    await drain_segment(ledger, segment, sealed=True, batch=10)
    async with database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM records WHERE exchange > 'x09'"))
        await connection.execute(
            sa.text("UPDATE spool_offsets SET at = :at"), {"at": len(frame(record(exchange="x01"))) * 10}
        )
    with segment.path.open("ab") as file:
        file.write(frame(record(exchange="y")))
    segment.size, segment.entries = segment.path.stat().st_size, 41
    await drain_segment(ledger, segment, sealed=True, batch=10)
    assert await exchanges(database) == sorted([*(f"x{n:02}" for n in range(40)), "y"])
    assert (segment.taken, segment.drained) == (41, segment.size)


async def test_what_is_written_while_it_drains_is_for_the_next_time(database: Database, tmp_path: Path) -> None:
    segment = segment_of(tmp_path, [frame(record(exchange=f"x{n}")) for n in range(10)])
    more = frame(record(exchange="later"))

    class Busy(SqlLedger):
        async def absorb(self, file: str, begin: int, end: int, batch: Sequence[Record]) -> int:
            descriptor = os.open(segment.path, os.O_WRONLY | os.O_APPEND)
            segment.size += os.write(descriptor, more)
            os.close(descriptor)
            return await super().absorb(file, begin, end, batch)

    taken, _ = await drain_segment(Busy(database), segment, sealed=False, batch=5)
    assert taken < 16
