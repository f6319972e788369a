"""One key goes to one endpoint; who leaves moves only its own callers; nobody carries more than its bounded share."""

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.upstreams.endpoints import endpoints

from triplegate.upstreams.balancing.ring import Hashed, Ring
from triplegate.upstreams.endpoint import Roster, Use

KEYS = [f"user-{number}".encode() for number in range(400)]
NAMES = "abcdefgh"


def homes(made, usable):
    choice = Hashed(usable, Ring(made, 100.0), Roster())
    return {key: choice.pick(key).name for key in KEYS}


def test_a_key_stays_where_it_is_on_every_node():
    first, second = endpoints("abcd"), endpoints("abcd")
    assert homes(first, first) == homes(second, second)


@given(st.integers(2, 8), st.data())
def test_who_leaves_moves_its_own_callers_only(count, draw):
    made = endpoints(NAMES[:count])
    gone = draw.draw(st.sampled_from(made))
    before, after = homes(made, made), homes(made, [one for one in made if one is not gone])
    assert all(after[key] == home for key, home in before.items() if home != gone.name)
    assert gone.name not in after.values()


@given(st.integers(1, 7))
def test_who_comes_takes_callers_and_moves_nobody_else(count):
    fewer, more = endpoints(NAMES[:count]), endpoints(NAMES[: count + 1])
    before, after = homes(fewer, fewer), homes(more, more)
    moved = {key for key, home in before.items() if after[key] != home}
    assert {after[key] for key in moved} <= {NAMES[count]}


def test_shares_follow_the_weights():
    made = endpoints("abc", [1, 2, 1])
    choice = Hashed(made, Ring(made, 100.0), Roster())
    counts = Counter(choice.pick(b"%d" % number).name for number in range(8000))
    assert counts["b"] == pytest.approx(4000, rel=0.15)
    assert counts["a"] == pytest.approx(2000, rel=0.2)


@given(
    st.integers(1, 6),
    st.floats(1.0, 2.0),
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=120),
    st.lists(st.integers(1, 5), min_size=6, max_size=6),
)
def test_nobody_carries_more_than_its_bounded_share(count, load, calls, weights):
    made, roster = endpoints(NAMES[:count], weights[:count]), Roster()
    choice = Hashed(made, Ring(made, load), roster)
    total, under_way = sum(weights[:count]), []
    for number, ends in calls:  # few keys, so that one endpoint would have nearly all
        if ends and under_way:
            under_way.pop(0).end()
        use = Use(choice.pick(b"key-%d" % number), roster)
        under_way.append(use)
        where = use.endpoint
        assert where.standing.active <= ceil(load * roster.active * where.weight / total + 1e-9)


@given(st.integers(2, 6), st.sampled_from(KEYS))
def test_a_retry_goes_on_along_the_ring(count, key):
    made = endpoints(NAMES[:count])
    choice = Hashed(made, Ring(made, 1.25), Roster())
    tried = []
    for _ in range(count):
        tried.append(choice.pick(key, tried))
    assert len(set(tried)) == count
    assert choice.pick(key, tried) is None


def test_weight_zero_is_not_on_the_ring():
    made = endpoints("ab", [0, 1])
    choice = Hashed([made[1]], Ring(made, 1.25), Roster())
    assert {choice.pick(key).name for key in KEYS} == {"b"}
