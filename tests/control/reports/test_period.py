"""Periods are said as finance says them, and follow one another without gap."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.control.reports.period import DAY, Period, asked_period, between, days, read_period, this_month


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "fiscal", "begin", "end", "before"),
    [
        ("2026-11", 1, "2026-11-01", "2026-12-01", "2026-10"),
        ("2028-02", 1, "2028-02-01", "2028-03-01", "2028-01"),  # a leap year
        ("2026-01", 4, "2026-01-01", "2026-02-01", "2025-12"),
        ("2026-Q4", 1, "2026-10-01", "2027-01-01", "2026-Q3"),
        ("2026-Q1", 1, "2026-01-01", "2026-04-01", "2025-Q4"),
        ("2026-Q4", 4, "2027-01-01", "2027-04-01", "2026-Q3"),
        ("2026-Q1", 12, "2026-12-01", "2027-03-01", "2025-Q4"),
        ("2026", 1, "2026-01-01", "2027-01-01", "2025"),
        ("2026", 10, "2026-10-01", "2027-10-01", "2025"),
        ("2026-W47", 1, "2026-11-16", "2026-11-23", "2026-W46"),
        ("2027-W01", 1, "2027-01-04", "2027-01-11", "2026-W53"),
        ("2026-11-24", 1, "2026-11-24", "2026-11-25", "2026-11-23"),
    ],
)
def test_a_period_is_read_as_it_is_said(text: str, fiscal: int, begin: str, end: str, before: str) -> None:
    period = read_period(text, fiscal)
    assert (period.name, period.begin, period.end) == (text, at(begin), at(end))
    assert period.before == read_period(before, fiscal)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a period is 2026-11"),
        ("november", "not 'november'"),
        ("2026-13", "there is no 2026-13"),
        ("2026-00", "there is no 2026-00"),
        ("2026-Q5", "a period is"),
        ("2026-W54", "there is no 2026-W54"),
        ("2026-02-30", "there is no 2026-02-30"),
        ("0000", "there is no 0000"),
        ("9999", "there is no 9999"),
        ("٢٠٢٦", "a period is"),
    ],
)
def test_what_is_no_period_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_period(text)


def test_a_period_by_its_bounds_comes_after_one_of_equal_length() -> None:
    period = between(at("2026-11-03T12:00"), at("2026-11-05T12:00"))
    assert period.name == "2026-11-03 12:00 to 2026-11-05 12:00"
    assert period.before == between(at("2026-11-01T12:00"), at("2026-11-03T12:00"))
    assert days(period) == [at("2026-11-03"), at("2026-11-04"), at("2026-11-05")]


def test_the_month_that_runs() -> None:
    assert this_month(at("2026-11-30T23:59:59")).name == "2026-11"
    assert not this_month(at("2026-11-30")).over(at("2026-11-30T23:59:59"))
    assert read_period("2026-10").over(at("2026-11-01"))


@given(
    st.integers(1980, 2100), st.sampled_from(["", "-Q1", "-Q4", "-W01", "-W30", "-02", "-12-31"]), st.integers(1, 12)
)
def test_the_period_before_ends_where_a_period_begins(year: int, more: str, fiscal: int) -> None:
    period = read_period(f"{year}{more}", fiscal)
    assert period.before.end == period.begin
    assert read_period(period.before.name, fiscal) == period.before
    assert len(days(period)) == (period.end - period.begin) // DAY
    assert isinstance(period, Period)


def test_a_period_is_asked_for_by_name_or_by_bounds() -> None:
    now = at("2026-11-24") + 0.5
    assert asked_period(None, None, None, now, 1).name == "2026-11"
    assert asked_period("2026-Q1", None, None, now, 4).begin == at("2026-04-01")
    assert asked_period(None, at("2026-11-23"), None, now, 1) == between(at("2026-11-23"), at("2026-11-24") + 1)
    for text, since, until in (("2026", 1.0, None), (None, None, 1.0), (None, 5.0, 5.0)):
        with pytest.raises(ValueError, match="since"):
            asked_period(text, since, until, now, 1)
