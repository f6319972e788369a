"""The ledger as the control plane asks it: what has ended is in every answer."""

from tests.stores.ledger_records import record

from triplegate.core.money import Price
from triplegate.stores.sql.prices import PriceVersion, SqlPrices


async def test_what_waits_in_the_spool_is_in_every_answer(building):
    building.spool.append(record(exchange="E1", cost=5_000_000_000, attempts=()))
    rows = await building.parts.books.usage(["team"], 0.0, 4e9)
    assert [(row.labels, row.requests, str(row.cost)) for row in rows] == [({"team": "web"}, 1, "0.5")]
    building.spool.append(record(exchange="E2", started=1_800_000_000.0))
    found = await building.parts.books.calls({"team": "web"}, 0.0, 4e9, None, 1)
    assert [row.exchange for row in found] == ["E2"]
    building.spool.append(record(exchange="E3"))
    parts, tries = await building.parts.books.call("E3")
    assert (len(parts), len(tries)) == (1, 1)


async def test_a_question_is_answered_of_what_was_asked_for_only(building):
    building.spool.append(record(exchange="E1", cost=1, attempts=()))
    assert await building.parts.books.usage(["team"], 0.0, 4e9, {"team": "ops"}) == []


async def test_spending_and_counted_things_are_asked_the_same_way(building):
    building.spool.append(record(exchange="E1", cost=5, tool_units='{"web_search":2}', attempts=()))
    [spent] = await building.parts.books.spending(["team"], 0.0, 4e9, {})
    assert (spent.labels, spent.sums["cost"]) == ({"team": "web"}, 5)
    assert await building.parts.books.counted(["web_search"], ["team"], 0.0, 4e9, {}) == {("web",): {"web_search": 2}}
    await SqlPrices(building.store.database).note(
        [PriceVersion("v@t#1", "llm", "p", "m", Price("v@t#1", input=7))], 0.0
    )
    found = await building.parts.books.priced(["v@t#1", "unheard-of"])
    assert {version: (one.provider, one.model, one.price.input) for version, one in found.items()} == {
        "v@t#1": ("p", "m", 7)
    }
