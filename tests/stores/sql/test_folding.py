"""Sums of hours and days are those of the rows, whatever is written when and however often."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stores.ledger_records import record, unpriced
from tests.stores.sql.lines_drawn import BEGIN, batches, moments

from triplegate.core.money import UNITS_PER_DOLLAR
from triplegate.core.record import Record
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.folding import sums_of_days, sums_of_hours
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.lines import HOUR
from triplegate.stores.sql.spans import Span
from triplegate.stores.sql.tables import LEDGER_KEY, LEDGER_SUMS, days, hours, metadata
from triplegate.stores.sql.usage import DIMENSIONS, spans_query, usage_rows

BY_DAY = tuple(name for name in DIMENSIONS if name != "hour")


async def raw(database: Database, by: Sequence[str], since: float, until: float) -> list[Any]:
    async with database.reading() as connection:
        query = spans_query([Span("raw", since, until)], by, {}, sqlite=database.is_sqlite)
        return list(await connection.execute(query))


async def empty(database: Database) -> None:
    async with database.writing() as connection:
        for table in metadata.sorted_tables:
            await connection.execute(sa.delete(table))


drawn = given(batches=batches, period=st.tuples(moments, moments), repeat=st.booleans())
unharmed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


async def check(database: Database, batches: list[list[Record]], period: tuple[float, float], *, repeat: bool) -> None:
    await empty(database)
    ledger = SqlLedger(database)
    for n, batch in enumerate(batches):
        await ledger.absorb("file", n, n + 1, batch)
        if repeat:
            await ledger.absorb("file", n, n + 1, batch)
            await ledger.write([one for one in batch if one.billed])
    for since, until in (period, (0.0, 2e9)):
        for by in (DIMENSIONS, BY_DAY):
            assert await usage_rows(database, by, since, until) == await raw(database, by, since, until)


@settings(max_examples=10, deadline=None, suppress_health_check=unharmed)
@drawn
async def test_any_period_read_from_sums_is_as_read_from_rows(
    database: Database, batches: list[list[Record]], period: tuple[float, float], *, repeat: bool
) -> None:
    await check(database, batches, period, repeat=repeat)


@pytest.mark.long
@settings(max_examples=60, deadline=None, suppress_health_check=unharmed)
@drawn
async def test_many_periods_read_from_sums_are_as_read_from_rows(
    database: Database, batches: list[list[Record]], period: tuple[float, float], *, repeat: bool
) -> None:
    await check(database, batches, period, repeat=repeat)


async def test_a_late_record_of_an_old_hour_is_added_there(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.write([record(exchange="a", started=BEGIN + 5, cost=1)])
    await ledger.write([record(exchange="b", started=BEGIN + HOUR, cost=10)])
    await ledger.write([record(exchange="c", started=BEGIN + 9, cost=100)])
    found = await usage_rows(database, ["hour"], BEGIN, BEGIN + 2 * HOUR)
    assert [(row.hour, row.requests, row.cost) for row in found] == [(BEGIN, 2, 101), (BEGIN + HOUR, 1, 10)]
    async with database.reading() as connection:
        assert len(list(await connection.execute(sa.select(hours)))) == 2
        assert len(list(await connection.execute(sa.select(days)))) == 1


async def test_sums_and_rows_are_one_transaction(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SqlLedger(database)

    async def broken(*_: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("triplegate.stores.sql.folding.Folding.add", broken)
    with pytest.raises(RuntimeError):
        await ledger.absorb("file", 0, 1, [record()])
    assert await raw(database, ["team"], 0, 2e9) == []
    assert await ledger.drained("file") == 0


def test_numbers_stand_in_the_order_of_their_columns() -> None:
    given = record(
        bytes_in=1, bytes_out=2, tokens=tuple(range(3, 12)), cost=12, own_cost=13, list_cost=14, saved=15,
        surcharge=16, attempts=(),
    )  # fmt: skip
    [(key, numbers)] = sums_of_hours([given], []).items()
    wanted = [1, 0, 1, 2, *range(3, 12), 12, 13, 14, 15, 0, 16]
    assert dict(zip(LEDGER_SUMS, numbers, strict=True)) == dict(zip(LEDGER_SUMS, wanted, strict=True))
    assert dict(zip(LEDGER_KEY, key[1:], strict=True)) == {name: getattr(given, name) for name in LEDGER_KEY}
    assert [key[0] for key in sums_of_days({(1_767_229_200, "x"): [1]})] == [1_767_225_600]


async def test_what_no_database_takes_stops_no_sum(database: Database, tmp_path: Path) -> None:
    ledger = SqlLedger(database)
    await ledger.absorb("file", 0, 1, [record(exchange="a", team="x\0" * 500), unpriced("u", bytes_in=1 << 70)])
    await ledger.absorb("file", 1, 2, [record(exchange="b", cost=1 << 70)])
    assert sum(row.requests for row in await usage_rows(database, ["team"], 0, 1e9 * 2)) == 3


async def test_two_thousand_of_the_dearest_calls_in_one_hour_add_up_to_the_unit(database: Database) -> None:
    dearest, most = 10_000 * UNITS_PER_DOLLAR, 2**53 - 1
    ledger = SqlLedger(database)
    for n in range(5):
        batch = [
            record(exchange=f"x{n}-{m}", started=BEGIN + m, cost=dearest, tokens=(most,) * 9, attempts=())
            for m in range(400)
        ]
        await ledger.absorb("file", n, n + 1, batch)
    (total,) = await usage_rows(database, [], 0, 2e9)
    assert total.cost == 2_000 * dearest, "twenty million dollars"
    (read,) = await raw(database, [], 0, 2e9)
    assert (read.cost, read.tokens_in) == (total.cost, total.tokens_in)
