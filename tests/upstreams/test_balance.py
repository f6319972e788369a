"""Shares are smooth, and a reload does not start them over."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import make_kit

from triplegate.core.catalog import Target
from triplegate.upstreams.balance import Balance, Weighted


def test_the_known_sequence_of_five_one_one():
    balance = Balance()
    assert "".join(balance.pick([("a", 5), ("b", 1), ("c", 1)]) for _ in range(7)) == "aabacaa"


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_over_one_round_every_share_is_exact(weights):
    choices = [(str(index), weight) for index, weight in enumerate(weights)]
    balance = Balance()
    counts = Counter(balance.pick(choices) for _ in range(sum(weights)))
    assert counts == dict(choices)


def test_weight_zero_is_never_picked():
    balance = Balance()
    assert {balance.pick([("a", 0), ("b", 1)]) for _ in range(5)} == {"b"}
    assert balance.pick([("a", 0)]) is None
    assert balance.pick([]) is None


def targets(*weights):
    return [(Target("service", name), weight) for name, weight in weights]


def test_a_reload_keeps_the_standing_and_forgets_who_left():
    kit = make_kit()
    first = Weighted.kept(kit, "route:r", targets(("a", 5), ("b", 1), ("c", 1)))
    begun = "".join(first.next().name for _ in range(3))
    again = Weighted.kept(kit, "route:r", targets(("a", 5), ("b", 1), ("c", 1)))
    assert begun + "".join(again.next().name for _ in range(4)) == "aabacaa"
    smaller = Weighted.kept(kit, "route:r", targets(("b", 1), ("d", 1)))
    assert Counter(smaller.next().name for _ in range(10)) == {"b": 5, "d": 5}


def test_others_are_offered_when_some_were_tried():
    choice = Weighted(targets(("a", 3), ("b", 1), ("c", 0)), Balance())
    assert choice.other({"a"}).name == "b"
    assert choice.other({"a", "b"}) is None


def test_one_choice_needs_no_thought_and_none_is_an_error():
    assert Weighted(targets(("a", 3)), Balance()).next().name == "a"
    with pytest.raises(LookupError):
        Weighted(targets(("a", 0)), Balance()).next()
