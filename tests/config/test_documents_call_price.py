"""Prices of routes and tools: a number is the price of a call; megabytes, units and single tools besides."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from triplegate.config.documents_call_price import PriceOfRoute, PriceOfTools, RoutePrice, ToolPrice
from triplegate.core.money import MOST_A_CALL

ROUTE: TypeAdapter[RoutePrice] = TypeAdapter(PriceOfRoute)
TOOLS: TypeAdapter[ToolPrice] = TypeAdapter(PriceOfTools)
UNIT = 10_000_000_000


def test_a_number_is_the_price_of_a_call() -> None:
    short, long = ROUTE.validate_python(0.0001), ROUTE.validate_python({"call": "0.0001"})
    assert short == long
    assert (short.price("orders").call, short.price("orders").per_unit) == (UNIT // 10_000, None)
    assert TOOLS.validate_python(0).price("files").call == 0


def test_megabytes_and_units_are_told_by_the_million() -> None:
    price = ROUTE.validate_python({"call": 1, "mb": 0.5, "units": {"rows": 0.000001}, "units_from": "X-Rows"}).price(
        "search"
    )
    assert price.per_unit == {"bytes": UNIT // 2, "rows": UNIT}
    assert price.cost((0,) * 9, '{"bytes": 2000000, "rows": 3}') == UNIT + UNIT + 3 * UNIT // 1_000_000


def test_tools_may_have_prices_of_their_own() -> None:
    written = TOOLS.validate_python({"call": 1, "mb": 2, "tools": {"search": 3, "read_*": 0}})
    assert written.price("files").call == UNIT
    assert [(pattern, price.call, price.per_unit) for pattern, price in written.prices("files")] == [
        ("search", 3 * UNIT, {"bytes": 2 * UNIT}),
        ("read_*", 0, {"bytes": 2 * UNIT}),
    ]


def test_a_version_names_its_owner_and_changes_with_any_price() -> None:
    versions = {ROUTE.validate_python(one).price("orders").version for one in (1, 2, {"mb": 1}, {"call": 1, "mb": 1})}
    assert len(versions) == 4
    assert all(version.startswith("api/orders@own#") for version in versions)
    assert ROUTE.validate_python(1).price("bills").version.startswith("api/bills@own#")
    tools = TOOLS.validate_python({"tools": {"a": 1, "b": 2}})
    assert len({price.version for _, price in tools.prices("s")}) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        -1,
        "cheap",
        {"call": 1, "tools": {"a": 1}},
        {"units": {"rows": 1}},
        {"units_from": "x-rows"},
        {"units": {"bytes": 1}, "units_from": "x-rows"},
        {"units": {"rows": -1}, "units_from": "x-rows"},
        {"mb": "inf"},
    ],
)
def test_what_is_no_price_of_a_route_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        ROUTE.validate_python(wrong)


@pytest.mark.parametrize("written", [10_001, {"mb": 10_001}, {"units": {"rows": 10_001}, "units_from": "x-rows"}])
def test_no_call_and_nothing_that_it_counts_costs_more_than_ten_thousand_dollars(written: Any) -> None:
    with pytest.raises(ValidationError, match="less than or equal to 10000"):
        ROUTE.validate_python(written)
    assert ROUTE.validate_python(10_000).price("orders").call == MOST_A_CALL
