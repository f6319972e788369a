"""The forecast is the run rate by weekday, exact, with bounds, and says nothing before the third day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.control.reports.forecast import EVEN, HISTORY, Forecast, forecast, weights_of
from triplegate.control.reports.period import DAY, days, read_period

NOVEMBER = read_period("2026-11")  # begins on a Sunday, has 30 days
DAYS = days(NOVEMBER)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def alike(cost: int, upto: int) -> dict[int, int]:
    return dict.fromkeys(DAYS[:upto], cost)


def test_equal_days_go_on_as_they_are() -> None:
    assert forecast(NOVEMBER, alike(100, 10), at("2026-11-11")) == Forecast(3000, 3000, 3000)


def test_today_counts_by_the_part_that_is_left_and_what_it_cost_already() -> None:
    daily = alike(100, 10) | {DAYS[10]: 80}  # by noon
    assert forecast(NOVEMBER, daily, at("2026-11-11T12:00")) == Forecast(3030, 3030, 3030)


@pytest.mark.parametrize("now", ["2026-11-01", "2026-11-02T23:59:59", "2026-10-20"])
def test_before_the_third_day_there_is_none(now: str) -> None:
    assert forecast(NOVEMBER, alike(100, 2), at(now)) is None


def test_on_the_third_day_there_is_one() -> None:
    assert forecast(NOVEMBER, alike(100, 2), at("2026-11-03")) == Forecast(3000, 3000, 3000)


def test_a_period_that_is_over_cost_what_it_cost() -> None:
    assert forecast(NOVEMBER, alike(7, 30), at("2026-12-01")) == Forecast(210, 210, 210)


def test_quiet_weekends_are_expected_again() -> None:
    weekly = [140, 140, 140, 140, 140, 0, 0]  # Monday first
    start = int(at("2026-11-16")) - HISTORY * DAY
    daily = {start + n * DAY: weekly[datetime.fromtimestamp(start + n * DAY, UTC).weekday()] for n in range(HISTORY)}
    weights = weights_of(daily, at("2026-11-16T09:00"))
    assert weights == (4 * 140,) * 5 + (0,) * 2
    told = forecast(NOVEMBER, {day: daily[day] for day in DAYS[:15]}, at("2026-11-16"), weights)
    assert told == Forecast(21 * 140, 21 * 140, 21 * 140)  # 21 working days in that month
    assert forecast(NOVEMBER, {day: daily[day] for day in DAYS[:15]}, at("2026-11-16")) != told


def test_while_little_is_known_all_days_are_alike() -> None:
    daily = {int(at("2026-11-16")) - n * DAY: 5 for n in range(1, 14)}
    assert weights_of(daily, at("2026-11-16")) == EVEN
    daily[int(at("2026-11-16")) - 14 * DAY] = 500
    assert weights_of(daily, at("2026-11-16")) != EVEN


def test_days_that_differ_make_bounds_and_what_is_spent_stays_spent() -> None:
    daily = {day: (0, 200)[number % 2] for number, day in enumerate(DAYS[:10])}
    told = forecast(NOVEMBER, daily, at("2026-11-11"))
    assert told is not None
    assert told.expected == 3000
    # variance 100_000/9 a day; 20 days left: 4 * 11_111.1 * (20 + 400/10) = 2_666_666.7, root 1632.99
    assert (told.low, told.high) == (1000 + 2000 - 1633, 3000 + 1633)
    wild = forecast(NOVEMBER, {DAYS[0]: 0, DAYS[1]: 1_000_000}, at("2026-11-03"))
    assert wild is not None
    assert wild.low == 1_000_000


def test_weekdays_without_any_cost_foresee_nothing() -> None:
    sunday_and_more = {DAYS[0]: 3}
    nothing = (0,) * 5 + (7, 0)  # only Saturdays, and none has been
    assert forecast(NOVEMBER, sunday_and_more, at("2026-11-04"), nothing) == Forecast(3, 3, 3)


@given(st.lists(st.lists(st.integers(0, 10**15), min_size=12, max_size=12), min_size=1, max_size=6))
def test_forecasts_of_the_parts_sum_to_that_of_the_whole(parts: list[list[int]]) -> None:
    now = at("2026-11-12T06:00")
    each = [forecast(NOVEMBER, dict(zip(DAYS, part, strict=False)), now) for part in parts]
    whole = forecast(
        NOVEMBER, {day: sum(column) for day, column in zip(DAYS, zip(*parts, strict=True), strict=False)}, now
    )
    assert whole is not None
    total = sum(one.expected for one in each if one is not None)
    assert abs(total - whole.expected) <= len(parts)
    assert whole.low <= whole.expected <= whole.high
