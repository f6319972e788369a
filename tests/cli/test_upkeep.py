"""Sums are made anew, whether a gateway runs or not."""

import asyncio

import sqlalchemy as sa
from tests.stores.ledger_records import record

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.migrate import migrate
from triplegate.stores.sql.tables import days, hours
from triplegate.stores.sql.usage import usage_rows


async def fill(path):
    database = Database(f"sqlite:///{path}")
    await migrate(database)
    await SqlLedger(database).write([record(exchange=f"x{n}", started=1_767_225_600.0 + n * 40_000) for n in range(6)])
    before = await usage_rows(database, ["day", "team"], 0, 2e9)
    async with database.writing() as connection:
        await connection.execute(sa.delete(days))
        await connection.execute(sa.update(hours).values(cost=1))
    await database.close()
    return before


async def read(path):
    database = Database(f"sqlite:///{path}")
    try:
        return await usage_rows(database, ["day", "team"], 0, 2e9)
    finally:
        await database.close()


def test_sums_are_made_anew(command, place, tmp_path):
    path = place / ".triplegate" / "triplegate.db"
    path.parent.mkdir(exist_ok=True)
    before = asyncio.run(fill(path))
    assert asyncio.run(read(path)) != before
    done = command("report", "rebuild")
    assert (done.status, done.out) == (0, "3 days are summed anew\n")
    assert done.err.split() == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert asyncio.run(read(path)) == before


def test_a_period_must_have_a_length(command, place):
    done = command("report", "rebuild", "--since", "2026-01-02", "--until", "2026-01-01")
    assert (done.status, done.err.strip().endswith("--since must be before --until")) == (2, True)
