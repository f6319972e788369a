"""Counted things are summed from the records, exactly, by what is asked for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.stores.ledger_records import record
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.stores.sql.counted import counted
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger

DAY = 1_767_225_600.0


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(await url_of(request.param, request, tmp_path)) as database:
        await SqlLedger(database).write(
            [
                record(exchange="a", started=DAY, tool_units='{"rows":3,"bytes":100}'),
                record(exchange="b", started=DAY + 1, tool_units='{"rows":4.2}'),
                record(exchange="c", started=DAY + 2, tool_units='{"pages":1}', team="ops"),
                record(exchange="d", started=DAY + 3, tool_units=""),
                record(exchange="e", started=DAY + 86_400, tool_units='{"rows":1000}'),
            ]
        )
        yield database


async def test_counts_by_team_and_day(database: Database) -> None:
    found = await counted(database, ["rows", "pages"], ["day", "team", "key"], DAY, DAY + 86_400, {})
    assert found == {
        (str(int(DAY)), "ops", "abcdefghij"): {"rows": 0, "pages": 1},
        (str(int(DAY)), "web", "abcdefghij"): {"rows": 8, "pages": 0},
    }


async def test_only_what_is_wanted_is_counted(database: Database) -> None:
    assert await counted(database, ["rows"], ["team"], DAY, DAY + 90_000, {"team": "web"}) == {("web",): {"rows": 1008}}
    assert await counted(database, ["rows"], ["team"], 0, 1, {}) == {}
