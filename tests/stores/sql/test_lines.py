"""Kinds of lines tell the same things by the same names (what they add up to is in test_usage.py)."""

import pytest
import sqlalchemy as sa

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.lines import day_lines, hour_lines, raw_lines
from triplegate.stores.sql.tables import LEDGER_KEY, LEDGER_SUMS


@pytest.mark.parametrize("sqlite", [True, False])
def test_every_line_has_every_key_and_number(*, sqlite: bool) -> None:
    for lines in (*raw_lines(sqlite=sqlite), hour_lines()):
        assert set(lines.keys) == {*LEDGER_KEY, "hour", "day"}
        assert set(lines.sums) == set(LEDGER_SUMS)
    assert set(day_lines().keys) == {*LEDGER_KEY, "hour", "day"}
    assert set(day_lines().sums) == set(LEDGER_SUMS)


async def test_a_moment_just_before_an_hour_is_in_the_hour_before(database: Database) -> None:
    rows = raw_lines(sqlite=database.is_sqlite)[0]
    moment = sa.bindparam("moment", type_=sa.Double)
    hour = sa.sql.visitors.replacement_traverse(
        rows.keys["hour"], {}, lambda element, **_: moment if element is rows.moment else None
    )
    async with database.reading() as connection:
        for begin in (0, 3_600, 1_767_225_600):
            for at in (begin, begin + 1e-6, begin + 3_599.5, begin + 3_599.9999997):
                assert await connection.scalar(sa.select(hour), {"moment": float(at)}) == begin
