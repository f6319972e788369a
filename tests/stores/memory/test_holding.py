"""One budget bucket: windows and holds that a whole store cannot show apart."""

from math import inf

from triplegate.core.admission import Claim, Limit
from triplegate.stores.memory.holding import HoldingBucket, period_of

CLAIM = Claim("b", Limit("money", "budget", "money", 100, 60.0), 10)


def test_windows_are_counted_from_the_epoch() -> None:
    assert period_of(CLAIM.limit, 119.0) == (1, 60.0, 120.0)
    assert period_of(CLAIM.limit, 120.0) == (2, 120.0, 180.0)
    assert period_of(Limit("at-once", "concurrent", "requests", 2, 0.0), 120.0) == (0, -inf, inf)


def test_a_clock_that_is_set_back_opens_no_window_twice() -> None:
    bucket = HoldingBucket()
    assert not bucket.wait(CLAIM, 10, 0.0, 120.0)
    bucket.settle(bucket.take(CLAIM, 10, 0.0, 30.0), 10, 0.0)
    assert bucket.standing(CLAIM, 1.0, 10.0, denied=False).remaining == 90


def test_scanning_for_expired_holds_stops_when_none_can_be() -> None:
    bucket = HoldingBucket()
    bucket.refresh(CLAIM.limit, 0.0, 0.0)
    for n in range(5):
        bucket.take(CLAIM, 1, 0.0, 10.0 + n)
    bucket.refresh(CLAIM.limit, 12.0, 12.0)
    assert (bucket.held, bucket.soonest) == (2, 13.0)


def test_a_hold_of_a_closed_window_is_neither_topped_up_nor_spent_in_the_next() -> None:
    bucket = HoldingBucket()
    bucket.refresh(CLAIM.limit, 0.0, 0.0)
    part = bucket.take(CLAIM, 10, 0.0, 100.0)
    assert bucket.lacking(part, 20, 61.0, 61.0) == 0
    bucket.top_up(part, 20, 61.0)
    bucket.settle(part, 20, 61.0)
    assert (bucket.held, bucket.spent) == (0, 0)


def test_a_window_is_looked_up_again_when_it_is_over_and_for_another_limit() -> None:
    bucket = HoldingBucket()
    assert bucket.refresh(CLAIM.limit, 0.0, 60.0) == 60.0
    bucket.spend(CLAIM.limit, 1, 90)
    assert bucket.refresh(CLAIM.limit, 59.0, 119.0) == 1.0
    assert bucket.spent == 90
    hourly = Limit("money", "budget", "money", 100, 3600.0)
    assert bucket.refresh(hourly, 59.0, 119.0) == 3481.0
    assert bucket.refresh(CLAIM.limit, 60.0, 120.0) == 60.0
    assert (bucket.period, bucket.spent) == (2, 0)
    assert bucket.refresh(CLAIM.limit, 61.0, 119.0) == 1.0
    assert bucket.period == 2
