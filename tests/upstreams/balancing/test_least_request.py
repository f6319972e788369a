"""Calls go where less is under way for the weight; idle endpoints keep their shares."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.upstreams.endpoints import endpoints

from triplegate.upstreams.balancing.least_request import LeastRequest


@given(st.integers(0, 20), st.integers(0, 20))
def test_of_two_the_less_busy_one_goes(one, other):
    made = endpoints("ab")
    made[0].standing.active, made[1].standing.active = one, other
    choice = LeastRequest(made, [1, 1])
    if one != other:
        assert choice.pick(None, 0) is made[0 if one < other else 1]


def test_busy_is_measured_by_the_weight():
    made = endpoints("ab")
    made[0].standing.active, made[1].standing.active = 3, 2
    choice = LeastRequest(made, [2, 1])  # 1.5 a share against 2
    assert {choice.pick(None, 0).name for _ in range(20)} == {"a"}


def test_idle_endpoints_get_calls_by_weight():
    made = endpoints("abc")
    choice = LeastRequest(made, [6, 3, 1], random.Random(3).random)
    counts = Counter(choice.pick(None, 0).name for _ in range(10_000))
    assert [round(counts[name] / 1000) for name in "abc"] == [6, 3, 1]


def test_what_is_under_way_evens_out():
    made = endpoints("abcd")
    choice = LeastRequest(made, [1, 1, 1, 1], random.Random(5).random)
    for _ in range(400):
        choice.pick(None, 0).standing.active += 1
    assert max(one.standing.active for one in made) - min(one.standing.active for one in made) <= 4
