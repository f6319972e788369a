"""Rows of budgets: a hold is spent once however often it is told, and is remembered for a while only."""

import sqlalchemy as sa

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar
from triplegate.stores.sql.budget_rows import KEPT, Correction, Rows
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import settled

MONTH = Calendar("month")
CLAIM = Claim("web", Limit("web", "budget", "money", 100, MONTH))
WALL = 1_767_225_600.0


async def spend(database: Database, wall: float, *corrections: Correction) -> int:
    async with database.writing() as connection:
        rows = Rows(database, connection, wall, list(corrections))
        buckets = await rows.open((CLAIM,))
        await rows.save()
        return buckets["web"].spent


async def test_what_is_told_twice_is_spent_once_and_forgotten_in_time(database: Database) -> None:
    one = Correction(CLAIM, "h1", MONTH.number(WALL), 30)
    assert await spend(database, WALL, one, one) == 30
    assert await spend(database, WALL + 1, one) == 30
    late = Correction(CLAIM, "h2", MONTH.number(WALL) - 1, 50)
    assert await spend(database, WALL + KEPT + 2, late) == 30, "its window is over"
    async with database.reading() as connection:
        assert [row.hold for row in await connection.execute(sa.select(settled))] == ["h2"]
