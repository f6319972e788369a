"""The query behind the usage report (the sums themselves are in control/reports/test_usage.py)."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import ATTEMPT, record, unpriced

from triplegate.core.record import AttemptRecord
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.usage import DIMENSIONS, usage_rows


async def test_one_query_sums_everything_whatever_it_is_asked_by(database: Database) -> None:
    ledger = SqlLedger(database)
    await ledger.write([record()])
    await ledger.absorb("file", 0, 1, [unpriced("u")])
    statements: list[str] = []
    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    found = await usage_rows(database, DIMENSIONS, 0, 2e9)
    assert [(row.gate, row.model, row.key, row.requests) for row in found] == [
        ("api", "", "", 1),
        ("llm", "smart", "abcdefghij", 1),
    ]
    assert len([one for one in statements if "sum(" in one]) == 1


async def test_a_dimension_named_twice_counts_once(database: Database) -> None:
    await SqlLedger(database).write([record()])
    [row] = await usage_rows(database, ["team", "team"], 0, 2e9)
    assert row.requests == 1


NONE = (0,) * 9
HOUR = 1_767_225_600


def tried(n: int, provider: str, cost: int, *, adopted: bool = False, tokens: tuple[int, ...] = NONE) -> AttemptRecord:
    changes: dict[str, Any] = {"target": f"smart/{provider}", "price_version": f"{provider}-price", "adopted": adopted}
    return msgspec.structs.replace(ATTEMPT, n=n, provider=provider, cost=cost, tokens=tokens, **changes)


def output(tokens: int) -> tuple[int, ...]:
    return (0, 0, 0, 0, 0, 0, tokens, 0, 0)


@pytest.fixture
async def filled(database: Database) -> Database:
    fallback = (tried(1, "azure", 40, tokens=output(4)), tried(2, "openai", 60, adopted=True, tokens=output(6)))
    lost = (tried(1, "azure", 8), tried(2, "openai", 0))
    ledger = SqlLedger(database)
    await ledger.write(
        [
            record(exchange="a", started=HOUR + 0.5, tokens=output(6), attempts=fallback, cost=103, own_cost=3),
            record(exchange="b", started=HOUR + 3599.999, tokens=NONE, attempts=lost, cost=8, outcome="failed"),
            record(
                exchange="c", started=HOUR + 3600.0, attempts=(tried(1, "azure", 5, tokens=output(1)),), cost=5,
                outcome="gone", tokens=output(1), price_version="azure-price",
            ),
            record(exchange="d", started=HOUR + 3700, cache="exact", attempts=(), cost=0, saved=70, surcharge=2),
        ]
    )  # fmt: skip
    await ledger.absorb("file", 0, 1, [unpriced("u", started=HOUR + 120, bytes_in=7, outcome="gone")])
    return database


async def test_each_attempt_is_told_at_its_own_provider_and_each_request_once(filled: Database) -> None:
    found = await usage_rows(filled, ["provider", "price_version"], 0, 2e9)
    assert [(*row[:2], row.requests, row.attempts, row.cost, row.wasted, row.output_text) for row in found] == [
        ("", "", 1, 0, 0, 0, 0),
        ("", "v1", 1, 0, 0, 0, 20),
        ("azure", "azure-price", 1, 3, 53, 53, 5),
        ("openai", "v1", 2, 2, 63, 0, 6),
    ]


async def test_outcomes_bytes_and_savings(filled: Database) -> None:
    [row] = await usage_rows(filled, [], 0, 2e9)
    assert (row.requests, row.refused, row.failed, row.gone, row.attempts) == (5, 0, 1, 2, 5)
    assert (row.cost, row.own_cost, row.saved, row.wasted, row.surcharge) == (116, 3, 70, 53, 2)
    assert (row.bytes_in, row.tokens_in, row.tokens_out) == (4 * 1_200 + 7, 10, 31)
    assert all(type(value) is int for value in row)


async def test_by_hour_and_day(filled: Database) -> None:
    found = await usage_rows(filled, ["hour", "day", "gate"], 0, 2e9)
    assert [(*row[:3], row.requests) for row in found] == [
        (HOUR, HOUR, "api", 1),
        (HOUR, HOUR, "llm", 2),
        (HOUR + 3600, HOUR, "llm", 2),
    ]


async def test_only_what_is_asked_for(filled: Database) -> None:
    async def requests(**where: Any) -> int:
        [row] = await usage_rows(filled, [], 0, 2e9, where)
        return int(row.requests)

    assert await requests(gate="llm") == 4
    assert await requests(gate=("llm", "api"), outcome="gone") == 2
    assert await requests(provider="azure") == 1
    assert await requests(hour=HOUR + 3600) == 2
    assert await requests(model="smart", cache=["exact"]) == 1
    with pytest.raises(ValueError, match="not by color"):
        await requests(color="red")


async def test_a_tool_is_what_a_call_of_the_mcp_gate_is_booked_on(database: Database) -> None:
    called = record(exchange="T", gate="mcp", route="files", target="files__read", cost=7, own_cost=7, attempts=())
    listed = record(exchange="L", gate="mcp", route="files", target="files", cost=0, attempts=())
    await SqlLedger(database).write([called, listed, record(exchange="M")])
    found = await usage_rows(database, ["tool"], 0, 2e9)
    assert [(row.tool, row.requests, row.cost) for row in found] == [("", 2, record().cost), ("files__read", 1, 7)]
    [row] = await usage_rows(database, ["gate"], 0, 2e9, {"tool": "files__read"})
    assert (row.gate, row.cost) == ("mcp", 7)
