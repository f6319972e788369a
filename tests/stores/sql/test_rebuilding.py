"""Sums made anew from the rows, beside whoever adds to them."""

import asyncio
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import record, unpriced
from tests.stores.sql.databases import opened
from tests.stores.sql.seeded import BEGIN as MONTH_BEGIN
from tests.stores.sql.seeded import MONTH, seed

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.lines import DAY, HOUR
from triplegate.stores.sql.marks import raise_mark
from triplegate.stores.sql.rebuilding import rebuild
from triplegate.stores.sql.tables import days, hours, records, rollups
from triplegate.stores.sql.usage import usage_rows

BEGIN = 20_000 * DAY


async def rebuilt(database: Database, since: float, until: float) -> list[int]:
    return [day async for day in rebuild(database, since, until)]


async def tables(database: Database) -> list[list[tuple[object, ...]]]:
    async with database.reading() as connection:
        return [sorted(map(tuple, await connection.execute(sa.select(table)))) for table in (hours, days)]


@pytest.fixture
async def filled(database: Database) -> Database:
    ledger = SqlLedger(database)
    await ledger.write([record(exchange=f"x{n}", started=BEGIN + n * 5_000.5, cost=n) for n in range(40)])
    await ledger.absorb("file", 0, 1, [unpriced(f"u{n}", started=BEGIN + n * 9_000.0) for n in range(20)])
    return database


async def test_the_same_comes_out(filled: Database) -> None:
    before = await tables(filled)
    assert await rebuilt(filled, 0, 2e9) == [BEGIN, BEGIN + DAY, BEGIN + 2 * DAY]
    assert await tables(filled) == before


async def test_whatever_is_wrong_is_put_right(filled: Database) -> None:
    before = await tables(filled)
    async with filled.writing() as connection:
        await connection.execute(sa.update(hours).where(hours.c.hour < BEGIN + DAY).values(cost=7, team="nobody"))
        await connection.execute(sa.delete(days))
        await connection.execute(sa.delete(hours).where(hours.c.hour == BEGIN + DAY + HOUR))
    assert await tables(filled) != before
    await rebuilt(filled, BEGIN, BEGIN + 3 * DAY)
    assert await tables(filled) == before


async def test_an_empty_ledger_has_nothing_to_rebuild(database: Database) -> None:
    assert await rebuilt(database, 0, 2e9) == []


async def test_hours_whose_rows_are_gone_keep_what_they_have(filled: Database) -> None:
    before = await usage_rows(filled, ["gate"], 0, 2e9)
    async with filled.writing() as connection:
        await raise_mark(filled, connection, "records", BEGIN + DAY)
        await raise_mark(filled, connection, "minutes", BEGIN + 2 * DAY)
        await connection.execute(sa.delete(records).where(records.c.started < BEGIN + DAY))
        await connection.execute(sa.delete(rollups).where(rollups.c.minute < BEGIN + 2 * DAY))
    await rebuilt(filled, 0, 2e9)
    assert await usage_rows(filled, ["gate"], 0, 2e9) == before


async def test_nothing_is_lost_or_told_twice_beside_a_drain(filled: Database) -> None:
    ledger = SqlLedger(filled)

    async def drain() -> None:
        for n in range(60):
            batch = [record(exchange=f"n{n}-{m}", started=BEGIN + m * 20_000.5, team=f"t{n}") for m in range(8)]
            await ledger.absorb("other", n, n + 1, [*batch, unpriced(f"v{n}", started=BEGIN + n, team=f"t{n}")])

    async def rebuild_on() -> None:
        for _ in range(2):
            await rebuilt(filled, BEGIN, BEGIN + 2 * DAY)

    await asyncio.gather(drain(), rebuild_on())
    before = await tables(filled)
    await rebuilt(filled, 0, 2e9)
    assert await tables(filled) == before
    [total] = await usage_rows(filled, [], 0, 2e9)
    assert total.requests == 40 + 20 + 60 * 9


async def _month_of(database: Database, count: int, within: float) -> None:
    await seed(database, count)
    assert len(await rebuilt(database, 0, 2e9)) == 30
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        found = await usage_rows(database, ["team", "model"], MONTH_BEGIN, MONTH_BEGIN + MONTH)
        took.append(time.perf_counter() - begin)
    assert sum(row.requests for row in found) == count
    print(f"{count:,} records: the month by team and model in {min(took) * 1000:.0f} ms")
    assert min(took) <= within


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_the_month_of_a_million_records_is_told_in_a_second(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        await _month_of(database, 1_000_000, 1.0)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_the_month_of_ten_million_records_is_told_in_a_second(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        await _month_of(database, 10_000_000, 1.0)
