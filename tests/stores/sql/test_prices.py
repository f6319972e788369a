"""A price is kept under the version that records name, as it was when it was first in force."""

from triplegate.core.money import Price
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.prices import PriceVersion, SqlPrices, rates_text

PRICE = Price("openai/gpt@own#1", call=3, input=10, output=40, cache_read=1, per_unit={"web_search": 7})
TOKENS = (1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000, 7_000_000, 8_000_000, 9_000_000)


async def test_a_version_charges_as_it_did(database: Database) -> None:
    store = SqlPrices(database)
    await store.note([PriceVersion(PRICE.version, "llm", "openai", "gpt", PRICE, 5.0, None)], 100.0)
    [found] = (await store.named()).values()
    assert (found.gate, found.provider, found.model) == ("llm", "openai", "gpt")
    assert (found.valid_from, found.valid_until, found.first_seen) == (5.0, None, 100.0)
    assert found.price.version == PRICE.version
    assert found.price.flat(TOKENS, '{"web_search": 2}') == PRICE.flat(TOKENS, '{"web_search": 2}')


async def test_noting_it_again_changes_nothing(database: Database) -> None:
    store = SqlPrices(database)
    for at in (100.0, 200.0):
        await store.note([PriceVersion(f"v{n}", "llm", "p", "m", PRICE) for n in range(450)], at)
    found = await store.named(["v3", "v449", "none"])
    assert {name: one.first_seen for name, one in found.items()} == {"v3": 100.0, "v449": 100.0}


def test_the_same_rates_are_the_same_text() -> None:
    parent = Price("a", call=3, input=10, output=40, cache_read=1, reasoning=40, per_unit={"web_search": 7})
    assert rates_text(parent) == rates_text(PRICE)
    assert rates_text(Price()) != rates_text(PRICE)
