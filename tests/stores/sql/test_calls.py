"""Single calls out of the ledger: found by what they were, the newest first, page by page, and one of them whole."""

import msgspec
import pytest
from tests.stores.ledger_records import ATTEMPT, record

from triplegate.stores.sql.calls import call, calls
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger


def attempt(**changes):
    return msgspec.structs.replace(ATTEMPT, **changes)


async def ids(database, where=None, **more):
    return [row.exchange for row in await calls(database, where or {}, 0, 4e9, **more)]


async def test_the_newest_come_first_and_the_next_page_goes_on_behind_them(database: Database) -> None:
    made = [record(exchange=f"E{number}", started=1000.0 + number // 2) for number in range(7)]
    await SqlLedger(database).write(made)
    first = await calls(database, {}, 0, 4e9, most=3)
    assert [row.exchange for row in first] == ["E6", "E5", "E4"]
    second = await calls(database, {}, 0, 4e9, most=3, before=(first[-1].started, first[-1].exchange))
    assert [row.exchange for row in second] == ["E3", "E2", "E1"]
    assert await ids(database, before=(1000.0, "E0")) == []
    assert [row.exchange for row in await calls(database, {}, 1001.0, 1002.0)] == ["E3", "E2"]


async def test_a_call_in_parts_is_one_line_with_their_sums(database: Database) -> None:
    tokens = (1, 0, 0, 0, 0, 0, 2, 0, 0)
    parts = [
        record(exchange="E", part=0, kind="interim", cost=5, duration_us=10, bytes_out=3, tokens=tokens, attempts=()),
        record(exchange="E", part=1, kind="final", cost=7, duration_us=20, bytes_out=4, tokens=tokens),
    ]
    await SqlLedger(database).write(parts)
    [row] = await calls(database, {}, 0, 4e9)
    assert (row.kind, row.cost, row.duration_us, row.bytes_out, row.tokens) == ("final", 12, 30, 7, 6)


async def test_calls_are_found_by_what_they_were(database: Database) -> None:
    made = [
        record(exchange="A", team="web", consumer="ci", key_id="k1", route="smart", attempts=(attempt(provider="x"),)),
        record(exchange="B", team="web", consumer="shop", key_id="k2", route="small", outcome="failed", attempts=()),
        record(exchange="C", team="ops", gate="api", route="smart", org="umbrella", plan="gold", attempts=()),
    ]
    await SqlLedger(database).write(made)
    for where, expected in (
        ({"team": "web"}, ["B", "A"]),
        ({"team": "web", "consumer": "ci"}, ["A"]),
        ({"key": "k2"}, ["B"]),
        ({"model": "smart"}, ["A"]),
        ({"route": "smart"}, ["C", "A"]),
        ({"provider": "x"}, ["A"]),
        ({"outcome": "failed"}, ["B"]),
        ({"org": "umbrella", "plan": "gold"}, ["C"]),
        ({"gate": "mcp"}, []),
    ):
        assert sorted(await ids(database, where)) == sorted(expected), where
    with pytest.raises(ValueError, match="colour"):
        await calls(database, {"colour": "red"}, 0, 4e9)


async def test_one_call_is_told_with_its_parts_and_attempts_in_order(database: Database) -> None:
    tries = (attempt(n=1, adopted=False, cost=3), attempt(n=2, role="fallback"))
    await SqlLedger(database).write([record(exchange="E", attempts=tries), record(exchange="F")])
    rows, found = await call(database, "E")
    assert [row.exchange for row in rows] == ["E"]
    assert [(one.n, one.role, one.adopted) for one in found] == [(1, tries[0].role, False), (2, "fallback", True)]
    assert await call(database, "nobody") == ([], [])
