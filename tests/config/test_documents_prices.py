"""Prices as written become prices in ledger units."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from triplegate.config.documents_prices import Rates, Times, UnknownPrice, VendorModelDocument, listed

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
FULL = {
    "input": 2,
    "output": 8,
    "cache_read": 0.5,
    "units": {"web_search": 0.01},
    "above": [{"tokens": 200, "input": 4}, {"tokens": 400, "output": 20}],
    "service": {"flex": {"input": 1, "cache_read": None}, "batch": {"output": 4, "above": []}},
    "times": [
        {"since": "2027-01-01", "until": "2028-01-01", "input": 3, "service": {"flex": {"input": 1.5}}},
        {"hours": "23:00-01:00", "output": 6, "units": {"page": 0.1}},
    ],
}


def cost(price, uncached=0, cached=0, out=0, **more):
    """In US dollars per million of the tokens asked for."""
    return Decimal(price.cost((uncached, cached, 0, 0, 0, 0, out, 0, 0), **{"at": NOON, **more})) / 10_000


def test_prices_become_ledger_units_exactly() -> None:
    rates = Rates.model_validate({"input": 2.5, "output": 10, "cache_read": 1.25, "call": 0.01})
    price = rates.price("2026-11")
    assert (price.input, price.output, price.cache_read, price.call) == (25 * 10**9, 10**11, 125 * 10**8, 10**8)
    # a million input tokens at $2.50, and the call itself at $0.01
    assert price.cost((10**6, 0, 0, 0, 0, 0, 0, 0, 0)) == 25 * 10**9 + 10**8
    assert price.version == "2026-11"
    assert price.rules is None


def test_a_class_without_a_price_costs_like_its_parent() -> None:
    assert Rates(input=Decimal(3)).price().cache_read is None


def test_a_variation_says_only_what_differs() -> None:
    price = Rates.model_validate(FULL).price("v")
    assert [cost(price, 1), cost(price, 0, 1), cost(price, 0, 0, 1)] == [2, Decimal("0.5"), 8]
    assert cost(price, 201) == 201 * 4
    assert cost(price, 401, 0, 1) == 401 * 2 + 20  # each length says only what differs from the base
    assert cost(price, 1, tier="flex") == 1
    assert cost(price, 0, 1, tier="flex") == 1  # null: like input
    assert cost(price, 201, tier="flex") == 201 * 4  # the standard tier's lengths
    assert cost(price, 201, 0, 1, tier="batch") == 201 * 2 + 4  # lengths of its own: none


def test_times_hold_from_a_date_or_at_some_hours() -> None:
    price = Rates.model_validate(FULL).price("v")
    later = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert [cost(price, 1, at=later - 7200), cost(price, 1, at=later)] == [2, 3]
    assert cost(price, 1, tier="flex", at=later) == Decimal("1.5")
    assert cost(price, 201, at=later) == 201 * 4
    assert cost(price, 1, at=datetime(2028, 1, 1, tzinfo=UTC).timestamp()) == 2
    assert cost(price, 0, 0, 1, at=NOON + 11 * 3600) == 6
    assert price.applied((1,) * 9, at=later).version == "v+since-2027-01-01+until-2028-01-01"
    assert price.applied((1,) * 9, tier="flex", at=later).version == "v+since-2027-01-01+until-2028-01-01+flex"


def test_counted_things_are_added_in_variations() -> None:
    price = Rates.model_validate(FULL).price("v")
    counted = '{"web_search":2,"page":1}'
    assert price.cost((0,) * 9, counted, at=NOON) == 200_000_000
    assert price.cost((0,) * 9, counted, at=NOON + 11 * 3600) == 200_000_000 + 1_000_000_000


def test_a_model_without_a_price_says_so() -> None:
    assert not VendorModelDocument(context=8).priced
    assert VendorModelDocument.model_validate({"input": 0}).priced
    assert VendorModelDocument.model_validate({"units": {"page": 1}}).priced


def test_the_version_changes_with_the_prices_and_with_nothing_else() -> None:
    first, again = (VendorModelDocument.model_validate({**FULL, "context": size}) for size in (1, 2))
    other = VendorModelDocument.model_validate({**FULL, "service": {"flex": {"input": 1.01}}})
    version = first.version("p/x", "genai-prices-0.2.3")
    assert version.startswith("p/x@genai-prices-0.2.3#")
    assert version == again.version("p/x", "genai-prices-0.2.3") != other.version("p/x", "genai-prices-0.2.3")
    assert first.version("p/x", None).startswith("p/x@own#")


def test_models_are_found_by_any_of_their_names() -> None:
    models = {
        "mini": VendorModelDocument(also=("Mini-2024-01-01", "mini-[0-9]*")),
        "mini-4-big": VendorModelDocument(),
        "any": VendorModelDocument(also=("org/*",)),
    }
    found = {
        name: listed(models, name) for name in ("mini", "MINI-2024-01-01", "mini-4", "mini-x", "mini-4-big", "org/y")
    }
    assert [next((key for key, one in models.items() if one is what), None) for what in found.values()] == [
        *("mini", "mini", "mini", None, "mini-4-big", "any")
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"times": [{"input": 1}]},
        {"times": [{"since": "2027-01-02", "until": "2027-01-02", "input": 1}]},
        {"times": [{"hours": "24:00-01:00"}]},
        {"above": [{"input": 1}]},
        {"above": [{"tokens": 0}]},
        {"service": {"flex": {"service": {}}}},
        {"units": {"a b": 1}},
    ],
)
def test_what_would_mean_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rates.model_validate(wrong)


def test_what_is_unknown_is_flagged_blocked_or_charged() -> None:
    read = TypeAdapter(UnknownPrice).validate_python
    assert [read("flag"), read("block")] == ["flag", "block"]
    assert read({"charge_default": {"input": 3}}).charge_default.price().input == 3 * 10**10
    for wrong in ("free", {"charge_default": 3}, {"default": {}}):
        with pytest.raises(ValidationError):
            read(wrong)


def test_a_time_that_is_open_at_one_end() -> None:
    assert Times.model_validate({"until": "2027-01-01"}).since is None
