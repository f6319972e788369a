"""The ledger as the control plane asks it: what has ended is in every answer."""

from tests.stores.ledger_records import record


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
