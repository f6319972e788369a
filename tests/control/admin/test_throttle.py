"""Guessing gets slow, being someone else's neighbour does not."""

from triplegate.control.admin.throttle import Throttle
from triplegate.core.clock import SetClock


def test_ten_thousand_attempts_in_a_day_are_evaluated_a_hundred_times_at_most_and_fifty_in_an_hour() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    evaluated = 0
    for _ in range(10_000):
        evaluated += throttle.charge("192.0.2.1") == 0.0
        clock.advance(0.36)  # 10⁴ attempts in an hour
    assert 5 <= evaluated <= 50


def test_a_legitimate_user_from_another_address_is_not_locked_out() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(1_000):
        throttle.charge("192.0.2.1")
    assert throttle.charge("192.0.2.1") > 0
    assert throttle.charge("198.51.100.7") == 0.0


def test_five_attempts_a_minute_are_free_and_the_wait_doubles() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    assert [throttle.charge("a") for _ in range(5)] == [0.0] * 5
    waits = []
    for _ in range(3):
        waits.append(throttle.charge("a"))
        clock.advance(waits[-1])
        assert throttle.charge("a") == 0.0
    assert waits == [12.0, 24.0, 48.0]


def test_success_clears_and_so_does_a_quiet_quarter_of_an_hour() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(6):
        throttle.charge("a")
    throttle.clear("a")
    assert [throttle.charge("a") for _ in range(4)] == [0.0] * 4
    clock.advance(901)
    assert [throttle.charge("a") for _ in range(4)] == [0.0] * 4


def test_an_ipv6_network_counts_as_one_address() -> None:
    throttle = Throttle(SetClock())
    for number in range(5):
        throttle.charge(f"2001:db8::{number}")
    assert throttle.charge("2001:db8::ffff") > 0
    assert throttle.charge("2001:db8:0:1::1") == 0.0


def test_memory_is_bounded_whatever_addresses_come() -> None:
    throttle = Throttle(SetClock())
    for number in range(20_000):
        throttle.charge(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._seen) <= 10_000
