"""Two times: one that only moves forward, one that says what day it is."""

import time

from triplegate.core.clock import SetClock, SystemClock


def test_the_system_clock_gives_monotonic_and_unix_seconds():
    clock = SystemClock()
    first = clock.now()
    assert clock.now() >= first
    assert abs(clock.wall() - time.time()) < 1


def test_a_set_clock_stands_until_it_is_moved():
    clock = SetClock(5.0, 100.0)
    assert (clock.now(), clock.wall()) == (5.0, 100.0)
    clock.advance(2.5)
    assert (clock.now(), clock.wall()) == (7.5, 102.5)
