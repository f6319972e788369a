"""Failures in a row or too many in a while; left alone longer each time; never too many at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.config.documents_service import OutlierDocument
from triplegate.upstreams.endpoint import Standing
from triplegate.upstreams.outlier import come_back, eject, judge, may_eject

RULES = OutlierDocument(consecutive=3, eject_for=10, longest=35)


def judged(standing, rules, *results, now=100.0):
    return [judge(standing, rules, now, failed=not well) for well in results]


def test_so_many_in_a_row_and_a_success_starts_over():
    assert judged(Standing(), RULES, 0, 0, 1, 0, 0, 0) == ["", "", "", "", "", "3 failures in a row"]


def test_zero_counts_no_row():
    assert not any(judged(Standing(), OutlierDocument(consecutive=0), *[0] * 50))


def test_a_rate_needs_enough_calls():
    rules = OutlierDocument(consecutive=0, failure_rate=50, minimum=6, window=10)
    assert judged(Standing(), rules, 0, 1, 0, 1, 0) == [""] * 5
    assert judged(Standing(), rules, 0, 1, 0, 1, 1, 0) == ["", "", "", "", "", "3 of 6 calls failed"]


def test_the_rate_forgets_what_is_older_than_its_window():
    rules = OutlierDocument(consecutive=0, failure_rate=50, minimum=6, window=10)
    standing = Standing()
    judged(standing, rules, 0, 0, 0, 0, 0, now=100.0)
    assert judge(standing, rules, 104.0, failed=True) == "6 of 6 calls failed"
    standing = Standing()
    judged(standing, rules, 0, 0, 0, 0, 0, now=100.0)
    assert judge(standing, rules, 116.0, failed=True) == ""


def test_it_is_left_alone_longer_each_time_up_to_a_bound():
    standing, now, spans = Standing(), 1000.0, []
    for _ in range(4):
        spans.append(eject(standing, RULES, now))
        now = standing.ejected_until
        come_back(standing, now)
        now += 1
    assert spans == [10, 20, 35, 35]
    assert eject(standing, RULES, now + 36) == 10  # it did well for long enough


def test_who_comes_back_has_a_clean_sheet():
    standing = Standing()
    judged(standing, RULES, 0, 0, 0)
    eject(standing, RULES, 100)
    come_back(standing, 110)
    assert (standing.ejected_until, standing.since) == (0, 110)
    assert judged(standing, RULES, 0, 0, now=110) == ["", ""]


@given(st.integers(1, 40), st.integers(0, 100))
def test_never_more_than_the_share_are_ejected_but_one(endpoints, share):
    rules, ejected = OutlierDocument(max_ejected=share), 0
    while ejected < endpoints and may_eject(ejected, endpoints, rules):
        ejected += 1
    assert ejected >= 1
    assert ejected == 1 or ejected * 100 <= share * endpoints


@pytest.mark.parametrize("field", ["failure_rate", "max_ejected"])
def test_shares_are_percent(field):
    with pytest.raises(ValueError):
        OutlierDocument.model_validate({field: 101})
