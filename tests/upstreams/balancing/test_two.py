"""Pairs are drawn by weight and are never the same endpoint twice."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.upstreams.endpoints import endpoints

from triplegate.upstreams.balancing.two import Lots


@given(st.integers(2, 6), st.integers(0, 1000), st.booleans())
def test_two_are_two(count, seed, even):
    weights = [1] * count if even else list(range(1, count + 1))
    lots = Lots(endpoints("abcdef"[:count]), weights, random.Random(seed).random)
    for _ in range(50):
        first, second = lots.pair()
        assert first != second
        assert 0 <= first < count
        assert 0 <= second < count


def test_one_is_drawn_alone():
    assert Lots(endpoints("a"), [3]).pair() == (0, 0)


def test_the_first_of_a_pair_comes_as_often_as_its_weight_says():
    lots = Lots(endpoints("abc"), [5, 3, 2], random.Random(7).random)
    counts = Counter(lots.pair()[0] for _ in range(10_000))
    assert [round(counts[place] / 1000) for place in range(3)] == [5, 3, 2]


def test_the_end_of_the_lots_is_not_beyond_the_last():
    assert Lots(endpoints("ab"), [1, 2], lambda: 1 - 2**-53).pair()[0] == 1
