"""Windows of the calendar follow one another, each instant is in one, and a fiscal start moves quarters and years."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.calendar import Calendar

UNITS = ("day", "week", "month", "quarter", "year")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("unit", "fiscal", "moment", "begin", "end"),
    [
        ("day", 1, "2026-11-24T13:00", "2026-11-24", "2026-11-25"),
        ("week", 1, "2026-11-24T13:00", "2026-11-23", "2026-11-30"),  # from Monday
        ("week", 1, "2026-11-22T23:59:59", "2026-11-16", "2026-11-23"),
        ("week", 1, "1970-01-01", "1969-12-29", "1970-01-05"),
        ("month", 1, "2028-02-29T12:00", "2028-02-01", "2028-03-01"),  # a leap year
        ("month", 7, "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("quarter", 1, "2026-11-24", "2026-10-01", "2027-01-01"),
        ("quarter", 2, "2026-11-24", "2026-11-01", "2027-02-01"),
        ("quarter", 2, "2027-01-31", "2026-11-01", "2027-02-01"),
        ("year", 1, "2026-11-24", "2026-01-01", "2027-01-01"),
        ("year", 4, "2026-03-31", "2025-04-01", "2026-04-01"),
        ("year", 10, "2026-11-24", "2026-10-01", "2027-10-01"),
    ],
)
def test_a_window_has_the_bounds_of_the_calendar(unit, fiscal, moment, begin, end):
    calendar = Calendar(unit, fiscal)
    assert calendar.at(at(moment))[1:] == (at(begin), at(end))
    assert calendar.left(at(moment)) == at(end) - at(moment)


@given(st.sampled_from(UNITS), st.integers(1, 12), st.integers(0, 4_102_444_800), st.integers(0, 400 * 86_400))
def test_windows_follow_one_another_without_gap_or_overlap(unit, fiscal, moment, later):
    calendar = Calendar(unit, fiscal)
    number, begin, end = calendar.at(moment)
    assert begin <= moment < end
    assert calendar.at(end - 1) == (number, begin, end)
    assert calendar.number(end) == number + 1
    assert calendar.at(end)[1] == end
    assert calendar.number(moment + later) >= number
