"""What is older than the policy says goes, in small bites; its sums stay."""

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import record, unpriced

from triplegate.config.settings import Keep
from triplegate.core.clock import SetClock
from triplegate.stores.sql import keeping
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.keeping import Keeping
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.lines import DAY
from triplegate.stores.sql.marks import Kept, kept_since
from triplegate.stores.sql.tables import attempts, days, hours, records, rollups
from triplegate.stores.sql.usage import DIMENSIONS, usage_rows

BEGIN = 20_000 * DAY


@pytest.fixture
async def filled(database: Database) -> Database:
    ledger = SqlLedger(database)
    await ledger.write([record(exchange=f"x{n}", started=BEGIN + n * 5_000.5, cost=n) for n in range(70)])
    await ledger.absorb("file", 0, 1, [unpriced(f"u{n}", started=BEGIN + n * 9_000.0) for n in range(39)])
    return database


async def swept(database: Database, *, now: float = BEGIN + 4.5 * DAY, **keep: float | None) -> Keeping:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    every = {"records": None, "attempts": None, "minutes": None, "hours": None}
    one = Keeping(database, Keep(**every | keep), SetClock(wall=now), pause)
    await one.sweep()
    assert len(pauses) >= bool(sum(one.deleted.values()))
    return one


async def count(database: Database, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)


async def test_what_is_too_old_goes_and_reports_stay_as_they_were(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "BATCH", 7)
    by = [name for name in DIMENSIONS if name != "hour"]
    before = await usage_rows(filled, by, 0, 2e9), await usage_rows(filled, ["hour"], BEGIN + 3 * DAY, BEGIN + 4 * DAY)
    one = await swept(filled, records=3 * DAY, attempts=2 * DAY, minutes=DAY, hours=2 * DAY)
    assert await count(filled, records, records.c.started < BEGIN + DAY) == 0
    assert await count(filled, attempts) == await count(filled, records, records.c.started >= BEGIN + 2 * DAY)
    assert await count(filled, rollups, rollups.c.minute < BEGIN + 3 * DAY) == 0
    assert await count(filled, hours, hours.c.hour < BEGIN + 2 * DAY) == 0
    assert await count(filled, records) == 70 - one.deleted["records"] > 40
    assert await count(filled, days) == 8
    assert (
        await usage_rows(filled, by, 0, 2e9),
        await usage_rows(filled, ["hour"], BEGIN + 3 * DAY, BEGIN + 4 * DAY),
    ) == before
    async with filled.reading() as connection:
        kept = await kept_since(connection)
    assert kept == Kept(BEGIN + DAY, BEGIN + 2 * DAY, BEGIN + 3 * DAY, BEGIN + 2 * DAY)


async def test_a_second_round_has_nothing_to_do(filled: Database) -> None:
    await swept(filled, records=3 * DAY, attempts=2 * DAY, minutes=DAY, hours=2 * DAY)
    again = await swept(filled, records=3 * DAY, attempts=2 * DAY, minutes=DAY, hours=2 * DAY)
    assert set(again.deleted.values()) == {0}


async def test_what_is_kept_for_ever_stays(filled: Database) -> None:
    await swept(filled)
    assert (await count(filled, records), await count(filled, attempts)) == (70, 70)


async def test_a_database_that_is_away_is_waited_for() -> None:
    database = Database("/nowhere/at/all.db")
    rounds: list[float] = []

    async def pause(seconds: float) -> None:
        rounds.append(seconds)
        raise KeyboardInterrupt

    one = Keeping(database, Keep(), SetClock(), pause)
    with pytest.raises(KeyboardInterrupt):
        await one.run()
    assert rounds == [keeping.EVERY]
    assert "cannot be used" in one.failure
    await database.close()
