"""Calls go where the first byte comes sooner; what was slow once is tried again; errors do not look fast."""

from hypothesis import given
from hypothesis import strategies as st
from tests.upstreams.endpoints import endpoints

from triplegate.upstreams.balancing.latency import Latency, cost, measure
from triplegate.upstreams.endpoint import Standing


def test_the_faster_of_two_goes_until_it_is_busier():
    made = endpoints("ab")
    measure(made[0].standing, 0.01, 100, failed=False)
    measure(made[1].standing, 0.04, 100, failed=False)
    choice = Latency(made, [1, 1])
    assert {choice.pick(None, 100).name for _ in range(20)} == {"a"}
    made[0].standing.active = 5
    assert {choice.pick(None, 100).name for _ in range(20)} == {"b"}


def test_twice_the_weight_is_worth_twice_the_time():
    made = endpoints("ab")
    measure(made[0].standing, 0.015, 100, failed=False)
    measure(made[1].standing, 0.010, 100, failed=False)
    assert {Latency(made, [2, 1]).pick(None, 100).name for _ in range(20)} == {"a"}


def test_who_was_never_tried_is_tried_but_not_flooded():
    made = endpoints("ab")
    measure(made[0].standing, 0.01, 100, failed=False)
    choice = Latency(made, [1, 1])
    assert {choice.pick(None, 100).name for _ in range(20)} == {"b"}
    made[1].standing.active = 1
    assert {choice.pick(None, 100).name for _ in range(20)} == {"a"}


def test_a_peak_counts_at_once_and_fades():
    standing = Standing()
    for now in range(100, 110):
        measure(standing, 0.01, now, failed=False)
    measure(standing, 2.0, 110, failed=False)
    assert standing.seconds == 2.0
    assert cost(standing, 140) < 0.2  # so that it is tried again


def test_a_fast_error_costs_like_a_slow_answer():
    standing = Standing()
    measure(standing, 0.001, 100, failed=True)
    assert cost(standing, 100) == 1.0


@given(st.lists(st.tuples(st.floats(0.0001, 30), st.floats(0, 20)), min_size=1, max_size=30))
def test_what_is_expected_lies_within_what_was_measured(seen):
    standing, now = Standing(), 1.0
    for seconds, later in seen:
        now += later
        measure(standing, seconds, now, failed=False)
    assert 0 <= standing.seconds <= max(seconds for seconds, _ in seen) * 1.000001
