"""Sums become meters: tokens by class, counted things, calls; price times quantity is the cost, exactly."""

from decimal import Decimal, localcontext

import pytest

from triplegate.control.reports.focus_meters import METERS, metered
from triplegate.core.money import Price
from triplegate.core.usage import CLASSES

UNIT = 10_000_000_000


def test_every_class_of_tokens_has_a_meter() -> None:
    assert tuple(METERS) == CLASSES
    assert len(set(METERS.values())) == len(CLASSES)


def test_a_class_without_a_rate_costs_like_its_parent() -> None:
    price = Price("v", input=3 * UNIT, output=5 * UNIT)
    [read, thought] = metered({"cache_read": 7, "reasoning": 11}, price, {})
    assert (read.price, thought.price) == (3, 5)
    assert (read.cost, thought.cost) == (Decimal("0.000021"), Decimal("0.000055"))


@pytest.mark.parametrize(("cost", "charged"), [(0, 0), (3 * UNIT, 3), (3 * UNIT + 1, 3), (99 * UNIT, 4), (-UNIT, 0)])
def test_as_many_calls_are_charged_as_the_cost_pays_for(cost: int, charged: int) -> None:
    found = {part.code: part.consumed for part in metered({"requests": 4, "cost": cost}, Price("v", call=UNIT), {})}
    assert found.get("requests", 0) == charged
    assert found.get("free", 0) == 4 - charged


def test_the_calls_of_attempts_are_charged_where_no_call_ended() -> None:
    [part] = metered({"requests": 0, "attempts": 2, "cost": 2 * UNIT}, Price("v", call=UNIT), {})
    assert (part.consumed, part.requests, part.cost) == (2, 0, 2)


def test_digits_are_never_lost() -> None:
    price = Price("v", input=123_456_789_012_345_671)
    [part] = metered({"input_uncached": 999_999_999_999_999_937}, price, {})
    with localcontext(prec=80):
        assert int(part.cost.scaleb(16)) == 123_456_789_012_345_671 * 999_999_999_999_999_937


def test_what_has_no_price_is_only_that_it_was_called() -> None:
    [part] = metered({"requests": 2, "input_uncached": 5, "cost": 9}, None, {"web_search": 1})
    assert (part.code, part.consumed, part.cost) == ("free", 2, 0)
