"""Adoption: what a dead process left is taken over once, its open intents become unknown rows."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import intent, record, unpriced
from tests.stores.sql.databases import opened

from triplegate.stores.spool_adopt import UNKNOWN_PART, adopt, drain_dead, hold_lock, unknown_of
from triplegate.stores.spool_frame import frame
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import records, spool_offsets


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        yield database


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


def leave(spool: Path, lane: str, number: int, *entries: bytes, stem: str = "node-1") -> Path:
    path = spool / lane / f"{stem}.{number:06d}.spool"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(entries))
    return path


async def rows(database: Database) -> list[Any]:
    async with database.reading() as connection:
        return list(await connection.execute(sa.select(records).order_by(records.c.exchange, records.c.part)))


def test_a_living_process_is_left_alone_and_a_dead_one_found_once(spool: Path) -> None:
    leave(spool, "billed", 0, frame(record()), stem="alive")
    leave(spool, "billed", 0, frame(record()), stem="dead")
    leave(spool, "billed", 0, frame(record()), stem="own")
    lock = hold_lock(spool, "alive")
    [dead] = adopt(spool, "own")
    assert dead.stem == "dead"
    assert adopt(spool, "own") == [], "the one who adopts holds the lock"
    os.close(lock)
    [other] = adopt(spool, "own")
    assert other.stem == "alive"
    dead.let_go()
    other.let_go()


async def test_orphans_become_one_unknown_row_at_the_reserved_cost(database: Database, spool: Path) -> None:
    leave(spool, "billed", 0, frame(intent("whole")), frame(intent("orphan", 70_000)), frame(intent("late")))
    leave(spool, "billed", 1, frame(record(exchange="whole")), frame(record(exchange="late")))
    [dead] = adopt(spool, "own")
    result = await drain_dead(SqlLedger(database), dead, spool, 2)
    assert (result.entries, result.unknown, result.damaged) == (5, 1, 0)
    found = {row.exchange: row for row in await rows(database)}
    assert {name: row.kind for name, row in found.items()} == {"late": "final", "orphan": "unknown", "whole": "final"}
    assert found["orphan"].cost == found["orphan"].own_cost == 70_000
    assert (found["orphan"].outcome, found["orphan"].part) == ("unknown", UNKNOWN_PART)
    assert list(spool.rglob("*")) == [spool / "billed"], "nothing is left of the dead"


async def test_an_orphan_keeps_its_interims(database: Database, spool: Path) -> None:
    parts = [record(exchange="long", part=n, kind="interim", cost=10) for n in (1, 2)]
    leave(spool, "billed", 0, frame(intent("long", 100)), *map(frame, parts))
    await drain_dead(SqlLedger(database), adopt(spool, "own")[0], spool, 500)
    assert [(row.kind, row.cost) for row in await rows(database)] == [
        ("interim", 10),
        ("interim", 10),
        ("unknown", 100),
    ]


async def test_it_goes_on_where_the_dead_process_had_drained_to(database: Database, spool: Path) -> None:
    first, second = frame(unpriced("a")), frame(unpriced("b"))
    path = leave(spool, "unpriced", 0, first, second)
    ledger = SqlLedger(database)
    await ledger.absorb(f"{path.parent.name}/{path.name}", 0, len(first), [unpriced("a")])
    await drain_dead(ledger, adopt(spool, "own")[0], spool, 500)
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT sum(requests) FROM rollups_minute")) == 2
        assert (await connection.execute(sa.select(spool_offsets))).all() == []


async def test_an_intent_before_the_drained_offset_is_still_an_orphan(database: Database, spool: Path) -> None:
    entries = [frame(intent("orphan")), frame(record(exchange="x"))]
    path = leave(spool, "billed", 0, *entries)
    ledger = SqlLedger(database)
    await ledger.absorb(f"{path.parent.name}/{path.name}", 0, sum(map(len, entries)), [record(exchange="x")])
    result = await drain_dead(ledger, adopt(spool, "own")[0], spool, 500)
    assert (result.entries, result.unknown) == (0, 1)


async def test_adoption_broken_off_anywhere_and_repeated_counts_once(database: Database, spool: Path) -> None:
    class Breaking(SqlLedger):
        left = 0

        def _count(self) -> None:
            if not self.left:
                raise ConnectionResetError
            self.left -= 1

        async def absorb(self, file: str, begin: int, end: int, batch: Any) -> int:
            self._count()
            now = await super().absorb(file, begin, end, batch)
            self._count()
            return now

        async def write(self, batch: Any) -> int:
            self._count()
            count = await super().write(batch)
            self._count()
            return count

        async def forget(self, files: Any) -> None:
            self._count()
            await super().forget(files)

    leave(spool, "billed", 0, frame(intent("orphan")), frame(intent("x")), frame(record(exchange="x")))
    leave(spool, "billed", 1, frame(intent("orphan2")))
    leave(spool, "unpriced", 0, frame(unpriced("u1")), frame(unpriced("u2")), frame(unpriced("u3")))
    ledger = Breaking(database)
    for round_number in range(40):
        ledger.left = round_number % 9
        for dead in adopt(spool, "own"):
            try:
                await drain_dead(ledger, dead, spool, 2)
            except ConnectionResetError:
                dead.let_go()
    assert not list(spool.rglob("*.spool"))
    assert [(row.exchange, row.kind) for row in await rows(database)] == [
        ("orphan", "unknown"),
        ("orphan2", "unknown"),
        ("x", "final"),
    ]
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT sum(requests) FROM rollups_minute")) == 3


async def test_a_dead_process_whose_files_are_gone_is_only_forgotten(database: Database, spool: Path) -> None:
    class Away(SqlLedger):
        async def forget(self, files: Any) -> None:
            raise ConnectionResetError

    leave(spool, "billed", 0, frame(intent("orphan")), frame(record(exchange="x")))
    [dead] = adopt(spool, "own")
    with pytest.raises(ConnectionResetError):
        await drain_dead(Away(database), dead, spool, 500)
    assert dead.lock == -1
    result = await drain_dead(SqlLedger(database), dead, spool, 500)
    assert (result.entries, result.damaged) == (0, 0)
    async with database.reading() as connection:
        assert (await connection.execute(sa.select(spool_offsets))).all() == []


async def test_nothing_is_deleted_before_the_ledger_is_safe(database: Database, spool: Path) -> None:
    class NotNow(SqlLedger):
        async def secure(self) -> bool:
            return False

    path = leave(spool, "billed", 0, frame(record(exchange="x")))
    [dead] = adopt(spool, "own")
    assert (await drain_dead(NotNow(database), dead, spool, 500)).entries == 1
    assert path.exists()
    assert dead.lock >= 0
    assert (await drain_dead(SqlLedger(database), dead, spool, 500)).entries == 0
    assert not path.exists()
    assert len(await rows(database)) == 1


async def test_torn_tail_and_damage_in_the_middle(database: Database, spool: Path) -> None:
    hurt = bytearray(frame(record(exchange="b")))
    hurt[60] ^= 4
    entries = [frame(record(exchange="a")), bytes(hurt), frame(record(exchange="c")), frame(record(exchange="d"))[:-9]]
    leave(spool, "billed", 0, *entries)
    result = await drain_dead(SqlLedger(database), adopt(spool, "own")[0], spool, 500)
    assert (result.entries, result.damaged) == (2, 2)
    assert [row.exchange for row in await rows(database)] == ["a", "c"]


def test_an_unknown_row_costs_what_was_set_aside() -> None:
    row = unknown_of(intent("x", 9))
    assert (row.cost, row.own_cost, row.kind, row.attempts, row.usage_source) == (9, 9, "unknown", (), "estimated")
