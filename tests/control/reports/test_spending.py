"""What was spent, as the real ledger sums it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.reports.calls import at
from tests.stores.ledger_records import record
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.control.reports.spending import asking
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger

DAY = at("2026-11-02")


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(await url_of(request.param, request, tmp_path)) as database:
        await SqlLedger(database).write(
            [
                record(exchange="a", started=DAY, tokens=(10, 1, 0, 0, 0, 0, 20, 0, 0), cost=1),
                record(exchange="b", started=DAY + 86_399, tokens=(0,) * 9, cost=20),
                record(exchange="c", started=DAY + 86_400, team="ops", tokens=(0,) * 9, cost=300),
            ]
        )
        yield database


async def test_labels_are_text_and_sums_whole_numbers(database: Database) -> None:
    ask = asking(database)
    one, two = await ask(("team", "day"), DAY, DAY + 2 * 86_400, {})
    assert one.labels == {"team": "ops", "day": str(DAY + 86_400)}
    assert two.labels == {"team": "web", "day": str(DAY)}
    assert (two.sums["requests"], two.sums["tokens_in"], two.sums["cache_read"], two.sums["cost"]) == (2, 11, 1, 21)
    assert [one.labels for one in await ask(("team", "team"), DAY, DAY + 1, {})] == [{"team": "web"}]
    [own] = await ask(("team",), DAY, DAY + 2 * 86_400, {"team": "ops"})
    assert own.sums["cost"] == 300


async def test_many_rows_are_read_beside_the_loop_and_are_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = asking(database)
    few = await ask(("team", "hour"), DAY, DAY + 2 * 86_400, {})
    monkeypatch.setattr("triplegate.control.reports.spending._MANY", 0)
    assert await ask(("team", "hour"), DAY, DAY + 2 * 86_400, {}) == few
