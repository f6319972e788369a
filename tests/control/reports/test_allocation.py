"""Shared cost is split by rule, and the parts sum to the amount to the last unit."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.config.documents_chargeback import SharedCost
from triplegate.control.reports.allocation import NOBODY, allocated, amount_in, split, team_of
from triplegate.control.reports.period import between, read_period

TEAMS = [("acme", "web"), ("acme", "ops"), ("umbrella", "books")]
UNIT = 10_000_000_000


def shared(**fields: Any) -> SharedCost:
    return SharedCost.model_validate({"name": "platform", "money": 100, **fields})


def test_every_team_bears_the_same_to_the_last_unit() -> None:
    parts = allocated(shared(), 100 * UNIT, TEAMS, {})
    assert parts == {
        ("acme", "ops"): 33 * UNIT + 3_333_333_334,
        ("acme", "web"): 33 * UNIT + 3_333_333_333,
        ("umbrella", "books"): 33 * UNIT + 3_333_333_333,
    }
    assert sum(parts.values()) == 100 * UNIT


def test_by_use_those_bear_most_whose_calls_cost_most() -> None:
    spent = {("acme", "web"): 30, ("umbrella", "books"): 10, ("acme", "gone"): 60}  # a team of old counts as well
    assert allocated(shared(rule="use"), 1000, TEAMS, spent) == {
        ("acme", "gone"): 600,
        ("acme", "ops"): 0,
        ("acme", "web"): 300,
        ("umbrella", "books"): 100,
    }


def test_without_any_use_it_is_even_and_corrections_below_zero_bear_nothing() -> None:
    assert set(allocated(shared(rule="use"), 9, TEAMS, {}).values()) == {3}
    assert allocated(shared(rule="use"), 9, [], {("a", "b"): -5, ("a", "c"): 5}) == {("a", "b"): 0, ("a", "c"): 9}


def test_fixed_parts_are_of_whatever_they_sum_to() -> None:
    parts = {"web": 1, "umbrella/books": 0.5, "acme/web": 0.5}  # one team under two names
    assert allocated(shared(rule="fixed", shares=parts), 1000, TEAMS, {}) == {
        ("acme", "web"): 750,
        ("umbrella", "books"): 250,
    }


@pytest.mark.parametrize("rule", ["even", "use"])
def test_without_any_team_it_is_nobodys(rule: str) -> None:
    assert allocated(shared(rule=rule), 77, [], {}) == {NOBODY: 77}


def test_a_name_means_the_team_of_its_org() -> None:
    assert team_of("books", TEAMS) == ("umbrella", "books")
    assert team_of("acme/ops", TEAMS) == ("acme", "ops")
    assert team_of("nobody", TEAMS) == ("", "nobody")


@given(st.integers(0, 10**18), st.dictionaries(st.sampled_from("abcdefghijklmno"), st.integers(0, 10**15), min_size=1))
def test_parts_sum_to_the_amount_and_none_is_a_unit_off(amount: int, weights: dict[str, int]) -> None:
    parts = split(amount, weights)
    assert sum(parts.values()) == amount
    whole = sum(weights.values())
    for one, part in parts.items():
        exact = Decimal(amount) * weights[one] / whole if whole else Decimal(amount) / len(weights)
        assert abs(part - exact) < 1 + Decimal("1e-6")


def test_nobody_bears_nothing() -> None:
    assert split(5, {}) == {}


@pytest.mark.parametrize(
    ("per", "period", "dollars"),
    [
        ("month", "2026-11", "100"),
        ("month", "2026-Q4", "300"),
        ("month", "2026", "1200"),
        ("quarter", "2026-Q4", "100"),
        ("year", "2026", "100"),
        ("day", "2026-02", "2800"),
        ("day", "2028-02", "2900"),
        ("week", "2026-W47", "100"),
        ("month", "2026-11-24", "3.3333333334"),
    ],
)
def test_a_period_has_its_part_of_what_comes_regularly(per: str, period: str, dollars: str) -> None:
    assert Decimal(amount_in(shared(per=per), read_period(period))) / UNIT == Decimal(dollars)


def test_a_year_that_begins_in_april_is_finances() -> None:
    assert amount_in(shared(per="year"), read_period("2026", 4), 4) == 100 * UNIT
    assert amount_in(shared(per="year"), read_period("2026", 4), 1) != 0


@given(
    st.lists(st.integers(1_700_000_000, 1_900_000_000), min_size=2, max_size=6, unique=True),
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
    st.integers(1, 12),
    st.integers(0, 10**8),
)
def test_parts_of_periods_that_follow_one_another_sum_up(bounds: list[int], per: str, fiscal: int, cents: int) -> None:
    bounds.sort()
    bounds = bounds[:1] + [min(one, bounds[0] + 40 * 86_400) for one in bounds[1:]]
    one = shared(per=per, money=Decimal(cents) / 100)
    whole = amount_in(one, between(bounds[0], bounds[-1]), fiscal)
    assert sum(amount_in(one, between(*pair), fiscal) for pair in pairwise(bounds)) == whole
