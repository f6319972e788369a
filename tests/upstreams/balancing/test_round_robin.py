"""Shares are exact over a round and smooth within it, and the turn outlives a reload."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.upstreams.endpoints import endpoints

from triplegate.upstreams.balancing.round_robin import RoundRobin, laid_out
from triplegate.upstreams.endpoint import Roster

WEIGHTS = st.lists(st.integers(1, 50), min_size=1, max_size=8)


def test_equals_take_turns_and_a_reload_goes_on_where_they_were():
    made, roster = endpoints("abc"), Roster()
    first = RoundRobin(made, [1, 1, 1], roster)
    again = RoundRobin(endpoints("abc"), [2, 2, 2], roster)
    assert "".join(first.pick(None, 0).name for _ in range(4)) == "abca"
    assert "".join(again.pick(None, 0).name for _ in range(4)) == "bcab"


@given(WEIGHTS)
def test_over_one_round_every_share_is_exact(weights):
    made = endpoints("abcdefgh"[: len(weights)])
    choice = RoundRobin(made, weights, Roster())
    counts = Counter(choice.pick(None, 0).name for _ in range(sum(weights) * len(weights)))
    assert counts == {one.name: weight * len(weights) for one, weight in zip(made, weights, strict=True)}


@given(WEIGHTS)
def test_within_a_round_nobody_is_more_than_one_call_from_its_share(weights):
    round_, total = laid_out(weights), sum(weights)
    if len(set(weights)) == 1:
        total = len(weights)
        weights = [1] * len(weights)
    had = [0] * len(weights)
    for step, place in enumerate(round_, 1):
        had[place] += 1
        for taken, weight in zip(had, weights, strict=True):
            assert abs(taken - step * weight / total) < 1 + len(weights) / 2


@given(st.lists(st.floats(0.1, 1_000_000), min_size=2, max_size=8))
def test_odd_weights_are_met_nearly_and_nobody_is_left_out(weights):
    round_ = laid_out(weights)
    assert set(round_) == set(range(len(weights)))
    for place, weight in enumerate(weights):
        assert abs(round_.count(place) / len(round_) - weight / sum(weights)) < 0.01


def test_a_round_is_bounded_however_large_the_weights_are():
    assert len(laid_out([1_000_000, 999_999, 3])) < 1100
