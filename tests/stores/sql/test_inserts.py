"""The short ways into a database take whole batches or nothing, and leave what the long way would leave."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import ATTEMPT, record
from tests.stores.sql.databases import opened, url_of

from triplegate.core.record import Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.inserts import NotPlain, insert_columns, insert_new
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import attempts, records


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        yield database


async def insert(database: Database, *batch: Record) -> None:
    async with database.writing() as connection:
        await insert_new(connection, batch)


async def stored(database: Database) -> list[list[tuple[object, ...]]]:
    async with database.reading() as connection:
        return [sorted(map(tuple, await connection.execute(sa.select(table)))) for table in (records, attempts)]


BATCH = [
    record(
        exchange=f"x{n}",
        end_user="Zoë \N{SNOWMAN}",
        tokens=tuple(range(n, n + 9)),
        attempts=tuple(msgspec.structs.replace(ATTEMPT, n=m, tokens=tuple(range(m, m + 9))) for m in range(n % 3)),
        streamed=bool(n % 2),
    )
    for n in range(20)
]


async def test_rows_are_those_of_the_long_way(database: Database, tmp_path: Path) -> None:
    await insert(database, *BATCH)
    async with opened(f"sqlite:///{tmp_path}/other.db") as other:
        await SqlLedger(other).write(BATCH)
        assert await stored(database) == await stored(other)
    assert len(CLASSES) == 9


@pytest.fixture
async def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(await url_of("postgres", request, tmp_path)) as database:
        yield database


async def columns(database: Database, *batch: Record) -> list[str]:
    async with database.writing() as connection:
        return [one.exchange for one in await insert_columns(connection, batch)]


async def test_columns_are_the_same_rows_and_only_what_is_new_is_taken(database: Database, postgres: Database) -> None:
    assert await columns(postgres, *BATCH[:5]) == ["x0", "x1", "x2", "x3", "x4"]
    assert await columns(postgres, *BATCH[3:], BATCH[10]) == [f"x{n}" for n in range(5, 20)]
    await SqlLedger(database).write(BATCH)
    assert await stored(postgres) == await stored(database)
    assert await columns(postgres, record(exchange="x1", part=7)) == [], "another part of it is the last"
    before = await stored(postgres)
    for odd in (
        record(exchange="b", end_user="a\0b"),
        record(exchange="b", end_user="\N{SNOWMAN}" * 400),
        record(exchange="b", bytes_out=1 << 64),
        record(exchange="b", saved=-(1 << 62)),
        record(exchange="b", tokens=(1,)),
        record(exchange="b", attempts=(msgspec.structs.replace(ATTEMPT, offset_us=1 << 64),)),
    ):
        with pytest.raises(NotPlain):
            await columns(postgres, record(exchange="new"), odd)
    assert await stored(postgres) == before
    assert await SqlLedger(postgres).absorb("file", 0, 10, [record(exchange="new"), odd]) == 10
    assert len((await stored(postgres))[0]) == 22


@pytest.mark.parametrize(
    "odd",
    [
        record(exchange="a"),
        record(exchange="a", part=7),
        record(exchange="b", attempts=(ATTEMPT, ATTEMPT)),
        record(exchange="b", end_user="a\0b"),
        record(exchange="b", cost=1 << 64),
        record(exchange="b", tokens=(1 << 60,) * 9),
        record(exchange="b", tokens=(1,)),
        record(exchange="b", attempts=(msgspec.structs.replace(ATTEMPT, upstream_id="\0"),)),
    ],
)
async def test_what_is_there_already_or_needs_care_undoes_the_batch_and_goes_the_long_way(
    database: Database, odd: Record
) -> None:
    await insert(database, record(exchange="a"))
    before = await stored(database)
    with pytest.raises(NotPlain):
        await insert(database, record(exchange="new"), odd)
    assert await stored(database) == before
    assert await SqlLedger(database).absorb("file", 0, 10, [record(exchange="new"), odd]) == 10
    assert len((await stored(database))[0]) == (2 if odd.exchange == "a" else 3)
