"""A period charged again: the difference as corrections, once, whatever was corrected before."""

from typing import Any

import msgspec
import pytest
from tests.stores.ledger_records import ATTEMPT, record, unpriced

from triplegate.core.money import Price
from triplegate.core.record import AttemptRecord, Record
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.marks import raise_mark
from triplegate.stores.sql.prices import PriceVersion, SqlPrices
from triplegate.stores.sql.rerating import PART, Asked, Page, rerate
from triplegate.stores.sql.usage import usage_rows

BEGIN = 1_767_225_600.0
OLD = Price("openai/gpt@own#1", input=1_000_000, output=2_000_000)
NEW = Price("openai/gpt@own#2", input=3_000_000, output=5_000_000)
TOKENS = (10, 0, 0, 0, 0, 0, 20, 0, 0)


def tried(n: int = 1, provider: str = "openai", *, adopted: bool = True, **changes: Any) -> AttemptRecord:
    plain = {"target": "smart/openai", "tokens": TOKENS, "cost": OLD.flat(TOKENS), "price_version": OLD.version}
    return msgspec.structs.replace(ATTEMPT, n=n, provider=provider, adopted=adopted, **plain | changes)


def call(exchange: str, *tries: AttemptRecord, **changes: Any) -> Record:
    cost = sum(one.cost for one in tries)
    plain = {"tokens": TOKENS, "cost": cost, "list_cost": cost, "price_version": OLD.version, "started": BEGIN}
    return record(exchange=exchange, attempts=tries, **plain | changes)


def by_provider(asked: Asked) -> Price | None:
    return NEW if asked.provider == "openai" else None


async def pages(database: Database, price: Any = by_provider, **changes: Any) -> list[Page]:
    return [page async for page in rerate(database, BEGIN, BEGIN + 86_400, price, **changes)]


async def corrected(database: Database, price: Any = by_provider) -> int:
    return sum([await SqlLedger(database).write(page.corrections) for page in await pages(database, price)])


@pytest.fixture
async def filled(database: Database) -> Database:
    ledger = SqlLedger(database)
    await SqlPrices(database).note([PriceVersion(OLD.version, "llm", "openai", "gpt", OLD)], 0.0)
    await ledger.write([call(f"x{n:04}", tried(), started=BEGIN + n, team=f"t{n % 2}") for n in range(600)])
    await ledger.write([call("late", tried(), started=BEGIN + 86_400), call("early", tried(), started=BEGIN - 1)])
    await ledger.absorb("file", 0, 1, [unpriced("u")])
    return database


async def test_the_difference_is_told_and_nothing_is_written(filled: Database) -> None:
    before = await usage_rows(filled, ["team"], 0, 2e9)
    found = await pages(filled)
    told = [one for page in found for one in page.charged]
    assert len(found) == 2
    assert len(told) == 600
    assert {(one.team, one.before, one.after) for one in told} == {("t0", 50, 130), ("t1", 50, 130)}
    assert await usage_rows(filled, ["team"], 0, 2e9) == before


async def test_corrections_make_the_period_cost_the_new_price_once(filled: Database) -> None:
    assert await corrected(filled) == 600
    assert await corrected(filled) == 0
    by = ["team", "provider", "target", "price_version"]
    found = await usage_rows(filled, by, BEGIN, BEGIN + 86_400, {"gate": "llm"})
    assert [
        (row.team, row.price_version, row.requests, row.attempts, row.cost, row.input_uncached) for row in found
    ] == [
        (team, version, *numbers)
        for team in ("t0", "t1")
        for version, numbers in ((OLD.version, (300, 300, 15_000, 3_000)), (NEW.version, (0, 0, 24_000, 0)))
    ]
    assert {(row.provider, row.target) for row in found} == {("openai", "smart/openai")}


async def test_prices_may_be_corrected_again_and_back(filled: Database) -> None:
    await corrected(filled)
    assert await corrected(filled, lambda _: OLD) == 600
    [row] = await usage_rows(filled, [], BEGIN, BEGIN + 86_400, {"gate": "llm"})
    assert row.cost == 600 * 50
    assert await corrected(filled, lambda _: OLD) == 0


async def test_each_attempt_by_its_own_provider_and_tier(database: Database) -> None:
    dear = Price("openai/gpt@own#3+priority", input=100_000_000)
    lost = tried(1, "azure", adopted=False, price_version="azure", cost=7)
    answer = tried(2, cost=50, tier="priority")
    await SqlLedger(database).write([call("a", lost, answer)])
    rules = msgspec.structs.replace(NEW, rules=_rules(dear))
    [page] = await pages(database, lambda asked: rules if asked.provider == "openai" else None)
    [correction] = page.corrections
    assert (correction.cost, correction.price_version, correction.part) == (1_000 - 50, dear.version, PART)
    assert [one.n for one in correction.attempts] == [2]
    assert dict(page.left) == {"no price is known for it": 1}


def _rules(dear: Price) -> Any:
    from triplegate.core.money import Rules

    return Rules(service={"priority": dear})


async def test_what_was_charged_in_parts_and_what_used_nothing_stays(filled: Database) -> None:
    await SqlLedger(filled).write(
        [
            call("parts", tried(cost=77), started=BEGIN + 9_000),
            call("nothing", tried(cost=0, usage_source="none"), started=BEGIN + 9_001),
        ]
    )
    found = await pages(filled)
    assert sum(len(page.corrections) for page in found) == 600
    assert sum(page.left["it was charged in several parts"] for page in found) == 1


async def test_two_who_correct_at_once_correct_once(filled: Database) -> None:
    first, second = await pages(filled), await pages(filled)
    ledger = SqlLedger(filled)
    written = [await ledger.write(page.corrections) for page in (*first, *second)]
    assert written == [500, 100, 0, 0]


async def test_one_model_alone(filled: Database) -> None:
    assert sum(len(page.charged) for page in await pages(filled, model="other")) == 0
    assert sum(len(page.charged) for page in await pages(filled, model="smart")) == 600


async def test_a_period_whose_attempts_are_gone_is_refused(filled: Database) -> None:
    async with filled.writing() as connection:
        await raise_mark(filled, connection, "attempts", int(BEGIN) + 3_600)
    with pytest.raises(ValueError, match="begin later"):
        await pages(filled)
