"""Make the sums of hours and days anew from what was written, an hour at a time, beside a running gateway."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.lines import DAY, HOUR, Columns, Lines, hour_lines, raw_lines
from triplegate.stores.sql.marks import kept_since
from triplegate.stores.sql.tables import LEDGER_KEY, LEDGER_SUMS, days, hours, records, rollups


async def rebuild(database: Database, since: float, until: float) -> AsyncIterator[int]:
    """Sum anew every day that [since, until) touches; yields each one's begin when it is done.

    Hours of which rows are gone stay as they are. Each hour is a transaction of its own, and nothing is added to the
    sums while it runs; it may be broken off and repeated. Raises DatabaseUnavailable.
    """
    first, last = await _extent(database)
    begin, end = max(since, first), min(until, (last // DAY + 1) * DAY)
    for day in range(int(begin // DAY) * DAY, int(-(-end // DAY)) * DAY, DAY):
        for hour in range(day, day + DAY, HOUR):
            await _rebuild_hour(database, hour)
        await _rebuild_day(database, day)
        yield day


async def lock_sums(database: Database, connection: AsyncConnection) -> None:
    """Until the transaction ends nobody adds to the sums; SQLite's transaction has the lock already."""
    if not database.is_sqlite:
        await connection.execute(sa.text("SET LOCAL statement_timeout = '60s'"))
        await connection.execute(sa.text("LOCK TABLE rollups_hour, rollups_day IN SHARE ROW EXCLUSIVE MODE"))


async def _extent(database: Database) -> tuple[float, float]:
    """The first and the last moment that anything is known of."""
    columns = (records.c.started, rollups.c.minute, hours.c.hour, days.c.day)
    async with database.reading() as connection:
        ends = [
            [await connection.scalar(sa.select(edge(column))) for column in columns]
            for edge in (sa.func.min, sa.func.max)
        ]
    first, last = [[float(one) for one in found if one is not None] for found in ends]
    return min(first, default=0.0), max(last, default=-1.0)


async def _rebuild_hour(database: Database, hour: int) -> None:
    async with database.writing() as connection:
        await lock_sums(database, connection)
        kept = await kept_since(connection)
        if hour < max(kept.records, kept.attempts):
            return
        stale = sa.delete(hours).where(hours.c.hour == hour)
        if hour < kept.minutes:
            stale = stale.where(hours.c.cache != "")  # only minute sums know no cache at all
        await connection.execute(stale)
        *rows, minutes = raw_lines(sqlite=database.is_sqlite)
        written = rows if hour < kept.minutes else (*rows, minutes)
        await connection.execute(_summed(hours, written, hour, hour + HOUR))


async def _rebuild_day(database: Database, day: int) -> None:
    async with database.writing() as connection:
        await lock_sums(database, connection)
        if day < (await kept_since(connection)).hours:
            return
        await connection.execute(sa.delete(days).where(days.c.day == day))
        await connection.execute(_summed(days, [hour_lines()], day, day + DAY))


def _summed(table: sa.Table, lines: Sequence[Lines], begin: int, end: int) -> sa.Insert:
    """Lines of [begin, end) as the rows of one period."""
    parts = [
        sa.select(*_named(one.keys, LEDGER_KEY), *_named(one.sums, LEDGER_SUMS))
        .select_from(one.source)
        .where(one.of(begin, end))
        for one in lines
    ]
    every = sa.union_all(*parts).subquery()
    keys = [every.c[name] for name in LEDGER_KEY]
    sums = [sa.cast(sa.func.sum(every.c[name]), sa.BigInteger) for name in LEDGER_SUMS]
    chosen = sa.select(sa.literal(begin, sa.BigInteger), *keys, *sums).group_by(*keys)
    return sa.insert(table).from_select(table.columns.keys(), chosen)


def _named(columns: Columns, names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    return [columns[name].label(name) for name in names]
