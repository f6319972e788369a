"""One GCRA bucket: corrections that a whole store cannot show apart."""

import pytest

from triplegate.core.admission import Claim, Limit
from triplegate.stores.memory.rate import FURTHEST, SLACK, RateBucket

CLAIM = Claim("t", Limit("tokens", "rate", "total", 100, 60.0), 40)


def test_undoing_restores_the_bucket_exactly() -> None:
    bucket = RateBucket()
    bucket.take(CLAIM, 33, 1_000.0, 1_030.0)
    before = bucket.tat
    bucket.undo(bucket.take(CLAIM, 7, 1_000.1, 1_030.0))
    assert bucket.tat == before


def test_a_debt_reaches_a_day_beyond_the_bucket_at_most() -> None:
    bucket = RateBucket()
    part = bucket.take(CLAIM, 40, 1_000.0, 1_030.0)
    bucket.settle(part, 2**53, 1_001.0)
    assert bucket.tat == 1_001.0 + 60.0 + FURTHEST


def test_an_expired_part_gets_no_refund_but_pays_its_debt() -> None:
    bucket = RateBucket()
    part = bucket.take(CLAIM, 50, 1_000.0, 1_005.0)
    bucket.settle(part, 0, 1_006.0)
    assert bucket.tat == pytest.approx(1_030.0)
    bucket.settle(part, 60, 1_006.0)
    assert bucket.tat == pytest.approx(1_036.0)


def test_what_was_there_before_a_top_up_is_not_refunded() -> None:
    bucket = RateBucket()
    part = bucket.take(CLAIM, 40, 1_000.0, 1_030.0)
    bucket.top_up(part, 60, 1_000.0)
    bucket.settle(part, 0, 1_000.0)
    assert bucket.tat == pytest.approx(1_000.0 + 40 * 0.6)


@pytest.mark.parametrize(("quota", "window"), [(10**7, 1.0), (1, 86_400.0), (10**6, 60.0)])
def test_a_bucket_is_used_up_to_its_last_unit_in_spite_of_rounding(quota: int, window: float) -> None:
    claim = Claim("t", Limit("tokens", "rate", "total", quota, window))
    bucket = RateBucket()
    now = 12_345_678.9
    chunk = max(1, quota // 97)
    passed = 0
    while passed < quota:
        amount = min(chunk, quota - passed)
        assert not bucket.wait(claim, amount, now, 0.0)
        bucket.take(claim, amount, now, now + 1)
        passed += amount
    assert bucket.wait(claim, max(1, int(SLACK / claim.limit.per_unit * 3)), now, 0.0) > 0
