"""The query behind the usage report (the sums themselves are in control/reports/test_usage.py)."""

import sqlalchemy as sa
from tests.stores.ledger_records import record, unpriced

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.usage import DIMENSIONS, usage_rows


async def test_one_query_whatever_it_is_summed_by(database: Database) -> None:
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
    assert len([one for one in statements if "SELECT" in one]) == 1


async def test_a_dimension_named_twice_counts_once(database: Database) -> None:
    await SqlLedger(database).write([record()])
    [row] = await usage_rows(database, ["team", "team"], 0, 2e9)
    assert row.requests == 1
