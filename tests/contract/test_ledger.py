"""The ledger keeps its promises on every database."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stores.ledger_records import ATTEMPT, record, unpriced
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.core.record import Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import attempts, records, rollups, spool_offsets

_names = itertools.count()


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(await url_of(request.param, request, tmp_path)) as database:
        yield database


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


async def rows(database: Database, statement: sa.Select[Any]) -> list[Any]:
    async with database.reading() as connection:
        return list(await connection.execute(statement))


async def test_what_is_written_twice_is_there_once(database: Database, ledger: SqlLedger) -> None:
    batch = [record(exchange=f"x{n}") for n in range(50)]
    assert await ledger.write(batch) == 50
    assert await ledger.write([*batch, record(exchange="new")]) == 1
    assert (await rows(database, sa.select(sa.func.count()).select_from(records)))[0][0] == 51
    assert (await rows(database, sa.select(sa.func.count()).select_from(attempts)))[0][0] == 51


async def test_each_field_of_a_record_and_its_attempts_comes_back(database: Database, ledger: SqlLedger) -> None:
    named = {"provider": "openai", "target": "smart/openai"}
    given = record(
        **named, tokens=tuple(range(1, 10)), tool_units='{"web_search":2}', end_user="Zoë \N{SNOWMAN}", saved=7
    )
    await ledger.write([given])
    [row] = await rows(database, sa.select(records))
    for name in set(Record.__struct_fields__) - {"tokens", "attempts", "each", "calls"}:
        assert getattr(row, name) == getattr(given, name), name
    assert tuple(getattr(row, name) for name in CLASSES) == given.tokens
    [tried] = await rows(database, sa.select(attempts))
    assert (tried.exchange, tried.part, tried.n, tried.cost, tried.adopted) == (given.exchange, 1, 1, 12_345, True)
    assert tuple(getattr(tried, name) for name in CLASSES) == ATTEMPT.tokens


async def test_exactly_one_part_is_the_last(database: Database, ledger: SqlLedger) -> None:
    await ledger.write([record(part=1, kind="interim"), record(part=1_000_000, kind="unknown")])
    assert await ledger.write([record(part=2, kind="final"), record(part=3, kind="final")]) == 0
    found = await rows(database, sa.select(records.c.kind).order_by(records.c.part))
    assert [row.kind for row in found] == ["interim", "unknown"]
    assert len(await rows(database, sa.select(attempts))) == 2, "a record left out leaves no attempts behind"


async def test_a_correction_is_a_new_record_beside_the_final(database: Database, ledger: SqlLedger) -> None:
    await ledger.write([record(part=1, cost=100), record(part=2, kind="correction", cost=-40, attempts=())])
    [total] = await rows(database, sa.select(sa.func.sum(records.c.cost)))
    assert int(total[0]) == 60


async def test_a_batch_drained_twice_counts_once_in_the_minutes(database: Database, ledger: SqlLedger) -> None:
    batch = [unpriced(f"a{n}", status=200 if n % 3 else 503, started=1_767_225_600.0 + n) for n in range(90)]
    assert await ledger.absorb("file.1", 0, 900, batch) == 900
    assert await ledger.absorb("file.1", 0, 900, batch) == 900
    assert await ledger.absorb("file.1", 0, 1_200, batch) == 900, "a longer repeat is told where the ledger stands"
    found = await rows(database, sa.select(rollups.c.minute, rollups.c.status, rollups.c.requests, rollups.c.bytes_out))
    assert sorted(map(tuple, found)) == [
        (1_767_225_600, 200, 40, 40 * 5_300),
        (1_767_225_600, 503, 20, 20 * 5_300),
        (1_767_225_660, 200, 20, 20 * 5_300),
        (1_767_225_660, 503, 10, 10 * 5_300),
    ]
    assert await ledger.drained("file.1") == 900
    assert await rows(database, sa.select(records)) == [], "unpriced exchanges leave no rows of their own"


async def test_sums_and_offset_are_one_transaction(database: Database, ledger: SqlLedger) -> None:
    broken: Any = unpriced("b")
    broken.bytes_in = None
    with pytest.raises(TypeError):
        await ledger.absorb("file.1", 0, 100, [unpriced("a"), broken])
    assert await ledger.drained("file.1") == 0
    assert await rows(database, sa.select(rollups)) == []


async def test_an_unpriced_record_that_asks_for_it_gets_a_row(database: Database, ledger: SqlLedger) -> None:
    each = unpriced("each")
    each.each = True
    await ledger.absorb("file.1", 0, 100, [each, unpriced("sum")])
    assert [row.exchange for row in await rows(database, sa.select(records))] == ["each"]
    assert [row.requests for row in await rows(database, sa.select(rollups))] == [1]


async def test_two_drains_of_one_file_at_once_count_it_once(database: Database, ledger: SqlLedger) -> None:
    batch = [unpriced(f"a{n}") for n in range(100)]
    ends = await asyncio.gather(*[ledger.absorb("file.1", 0, 500, batch) for _ in range(4)])
    assert ends == [500] * 4
    assert [row.requests for row in await rows(database, sa.select(rollups))] == [100]


async def test_forgotten_files_leave_no_offset(database: Database, ledger: SqlLedger) -> None:
    await ledger.absorb("file.1", 0, 10, [])
    await ledger.absorb("file.2", 0, 20, [])
    await ledger.forget(["file.1"])
    assert [tuple(row) for row in await rows(database, sa.select(spool_offsets))] == [("file.2", 20)]


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_number = st.integers(-(1 << 64), 1 << 64)


@given(exchange=_text, end_user=_text, method=_text, tokens=st.lists(_number, max_size=12), cost=_number)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_value_a_client_can_send_stops_the_drain(
    database: Database, ledger: SqlLedger, exchange: str, end_user: str, method: str, tokens: list[int], cost: int
) -> None:
    batch = [
        record(exchange=exchange, end_user=end_user, method=method, tokens=tuple(tokens), cost=cost),
        unpriced(exchange, route=end_user, consumer=method, started=float(next(_names) * 60)),
    ]
    name = f"file.{next(_names)}"
    assert await ledger.absorb(name, 0, 10, batch) == 10


_part = st.tuples(st.integers(0, 10**12), st.tuples(*[st.integers(0, 10**6)] * len(CLASSES)))
_exchanges = st.lists(st.lists(_part, min_size=1, max_size=4), min_size=1, max_size=5)


@given(given_parts=_exchanges, seed=st.integers(0, 2**32), cuts=st.integers(1, 7))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_sum_over_parts_is_the_truth_in_any_order_and_however_often(
    database: Database, ledger: SqlLedger, given_parts: list[Any], seed: int, cuts: int
) -> None:
    batch: list[Record] = []
    for parts in given_parts:
        exchange = f"x{next(_names)}"
        for part, (cost, tokens) in enumerate(parts, 1):
            kind = "final" if part == len(parts) else "interim"
            batch.append(record(exchange=exchange, part=part, kind=kind, cost=cost, tokens=tokens, attempts=()))
    written = batch * 2
    random.Random(seed).shuffle(written)
    for begin in range(cuts):
        await ledger.write(written[begin::cuts])
    names = {one.exchange for one in batch}
    sums = [sa.func.sum(records.c.cost), *[sa.func.sum(records.c[name]) for name in CLASSES], sa.func.count()]
    [found] = await rows(database, sa.select(*sums).where(records.c.exchange.in_(names)))
    expected = [
        sum(one.cost for one in batch),
        *[sum(column) for column in zip(*[one.tokens for one in batch], strict=True)],
    ]
    assert [int(value) for value in found] == [*expected, len(batch)]
    lasts = records.c.kind.in_(("final", "unknown"))
    [last] = await rows(database, sa.select(sa.func.count()).where(records.c.exchange.in_(names), lasts))
    assert last[0] == len(given_parts)
