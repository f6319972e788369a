"""Ids sort by time and never repeat, whatever the wall clock does."""

from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.clock import SetClock
from triplegate.core.ulid import Ulids, encode


def test_the_encoding_is_crockford_base_32_of_26_characters():
    assert encode(0) == "0" * 26
    assert encode(2**128 - 1) == "7" + "Z" * 25
    assert encode(32) == "0" * 24 + "10"


@given(st.lists(st.floats(-5, 5), max_size=50))
def test_ids_grow_even_when_the_wall_clock_runs_backwards(steps):
    clock = SetClock()
    ulids = Ulids(clock)
    made = [ulids.make()]
    for step in steps:
        clock.advance(step)
        made.append(ulids.make())
    assert made == sorted(set(made))


def test_the_first_ten_characters_are_the_millisecond():
    clock = SetClock(wall=1_767_225_600.123)
    assert Ulids(clock).make()[:10] == encode(1_767_225_600_123 << 80)[:10]
