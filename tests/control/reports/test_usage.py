"""The usage report equals sums written by hand."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from tests.stores.ledger_records import record, unpriced
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.cli import report
from triplegate.control.admin.paths.usage import By
from triplegate.control.reports.usage import Usage, usage
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.usage import DIMENSIONS

DAY = 1_767_225_600.0


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(await url_of(request.param, request, tmp_path)) as database:
        ledger = SqlLedger(database)
        await ledger.write(
            [
                record(exchange="a", started=DAY, tokens=(10, 1, 2, 3, 4, 5, 20, 30, 40), cost=1),
                record(
                    exchange="b", started=DAY + 1, part=1, kind="interim", tokens=(5, 0, 0, 0, 0, 0, 6, 0, 0), cost=100
                ),
                record(exchange="b", started=DAY + 1, part=2, tokens=(0, 0, 0, 0, 0, 0, 4, 0, 0), cost=50),
                record(exchange="c", started=DAY + 2, outcome="refused", tokens=(0,) * 9, cost=0, team="ops"),
                record(
                    exchange="d", started=DAY + 3, outcome="failed", tokens=(0,) * 9, cost=7, team="ops", route="fast"
                ),
                record(exchange="e", started=DAY + 4, kind="unknown", outcome="unknown", tokens=(0,) * 9, cost=9),
                record(exchange="a", started=DAY, part=9, kind="correction", tokens=(0,) * 9, cost=-1),
                record(exchange="late", started=DAY + 86_400, cost=1_000_000),
                record(exchange="early", started=DAY - 0.001, cost=1_000_000),
            ]
        )
        sums = [unpriced(f"u{n}", started=DAY + n, status=503 if n == 2 else 200) for n in range(3)]
        sums[2].outcome = "failed"
        sums.append(unpriced("u3", started=DAY + 70, outcome="refused", team="ops"))
        sums.append(unpriced("u4", started=DAY + 86_400))
        await ledger.absorb("file", 0, 1, sums)
        yield database


async def test_by_team(database: Database) -> None:
    ops, web = await usage(database, ["team"], DAY, DAY + 86_400)
    lost = Decimal("7E-10")
    assert ops == Usage({"team": "ops"}, 3, refused=2, failed=1, tokens_in=0, tokens_out=0, cost=lost, wasted=lost)
    assert (web.requests, web.refused, web.failed, web.tokens_in, web.tokens_out) == (6, 0, 1, 30, 100)
    assert (web.cost, web.saved) == (Decimal("159E-10"), Decimal(0))
    assert await usage(database, ["team"], DAY, DAY + 86_400, {"team": "ops"}) == [ops]


async def test_by_gate_and_model(database: Database) -> None:
    found = await usage(database, ["gate", "model"], DAY, DAY + 86_400)
    assert [(*row.labels.values(), row.requests, row.cost) for row in found] == [
        ("api", "", 4, Decimal(0)),
        ("llm", "fast", 1, Decimal("7E-10")),
        ("llm", "smart", 4, Decimal("159E-10")),
    ]


async def test_by_key_the_minute_sums_have_none(database: Database) -> None:
    found = await usage(database, ["key"], DAY, DAY + 86_400)
    assert [(row.labels["key"], row.requests) for row in found] == [("", 4), ("abcdefghij", 5)]


async def test_altogether(database: Database) -> None:
    [total] = await usage(database, [], DAY, DAY + 86_400)
    assert (total.labels, total.requests, total.refused, total.failed) == ({}, 9, 2, 2)
    assert total.cost == Decimal("0.0000000166")


async def test_a_period_without_requests(database: Database) -> None:
    assert await usage(database, ["team"], 0, 1) == []


async def test_what_it_cannot_be_summed_by_is_named(database: Database) -> None:
    with pytest.raises(ValueError, match=r"org, team, consumer.*not by shoe_size"):
        await usage(database, ["team", "shoe_size"], 0, 1)


async def test_millions_of_dollars_stay_exact(database: Database) -> None:
    ledger = SqlLedger(database)
    big = 9_999 * 10_000_000_000 + 1  # a call costs ten thousand dollars at most
    await ledger.write([record(exchange=f"big{n}", started=DAY * 2, cost=big) for n in range(10)])
    [total] = await usage(database, ["org"], DAY * 2, DAY * 2 + 1)
    assert total.cost == Decimal(99_990) + Decimal("1E-9")


async def test_by_day_hour_and_provider(database: Database) -> None:
    found = await usage(database, ["day", "hour", "provider"], DAY, DAY + 86_401)
    assert [(*row.labels.values(), row.requests, row.cost) for row in found] == [
        ("2026-01-01", "2026-01-01T00:00Z", "", 4, Decimal(0)),
        ("2026-01-01", "2026-01-01T00:00Z", "openai", 5, Decimal("166E-10")),
        ("2026-01-02", "2026-01-02T00:00Z", "", 1, Decimal(0)),
        ("2026-01-02", "2026-01-02T00:00Z", "openai", 1, Decimal("0.0001")),
    ]


def test_whoever_asks_may_ask_for_all_dimensions() -> None:
    assert DIMENSIONS == report.DIMENSIONS == get_args(By)
