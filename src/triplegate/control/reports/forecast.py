"""What a period will have cost at its end: the run rate of its whole days, weighted by weekday, with bounds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isqrt

import msgspec

from triplegate.control.reports.period import DAY, Period, days
from triplegate.core.money import divide_half_even

LEAST = 2
"""Whole days that must have passed: there is no forecast before the third day."""
HISTORY = 28
"""Days back over which weekdays are weighed: each of them four times."""
_KNOWN = 14
METHOD = (
    "cost so far + mean cost of a whole day of the period times days left; days are weighed by what their weekday cost "
    f"in the last {HISTORY} days (all alike until {_KNOWN} of these have cost anything); bounds are two standard "
    "errors of the days left away"
)
Weights = tuple[int, ...]
"""By weekday, Monday first; only their proportions count."""
EVEN: Weights = (1,) * 7


class Forecast(msgspec.Struct, frozen=True):
    """Units of money at the period's end."""

    expected: int
    low: int
    high: int


def weights_of(daily: Mapping[int, int], now: float) -> Weights:
    """Weights of the weekdays by what whole days cost (first second → units); even while too little is known."""
    today = int(now) // DAY * DAY
    known = {day: max(0, daily.get(day, 0)) for day in range(today - HISTORY * DAY, today, DAY)}
    if sum(1 for cost in known.values() if cost) < _KNOWN:
        return EVEN
    sums = [0] * 7
    for day, cost in known.items():
        sums[_weekday(day)] += cost
    return tuple(sums)


def forecast(period: Period, daily: Mapping[int, int], now: float, weights: Weights = EVEN) -> Forecast | None:
    """By what each day of the period cost (first second → units); None before its third day.

    Linear in the costs: forecasts of the parts sum to that of the whole but for rounding.
    """
    every = days(period)
    spent = sum(daily.get(day, 0) for day in every)
    if period.over(now):
        return Forecast(spent, spent, spent)
    today = int(now) // DAY * DAY
    gone = [day for day in every if day < today]
    if len(gone) < LEAST:
        return None
    passed = [weights[_weekday(day)] for day in gone]
    if not sum(passed):
        return Forecast(spent, spent, spent)
    costs = [daily.get(day, 0) for day in gone]
    left = _left(every, today, now, weights)
    ahead = divide_half_even(sum(costs) * sum(left), sum(passed) * DAY)
    off = _off(costs, passed, left, sum(weights))
    return Forecast(spent + ahead, spent + max(0, ahead - off), spent + ahead + off)


def _left(every: Sequence[int], today: int, now: float, weights: Weights) -> list[int]:
    """Weights of the days to come times their seconds; of today those that are left."""
    part = today + DAY - int(now)
    return [weights[_weekday(day)] * (part if day == today else DAY) for day in every if day >= today]


def _off(costs: Sequence[int], passed: Sequence[int], left: Sequence[int], week: int) -> int:
    """Two standard errors of the sum of the days left, the error of the rate itself included.

    In whole numbers: a day weighs seven times its share of the week's weights, 1 on average.
    """
    number, spent, weighed = len(costs), sum(costs), sum(passed)
    squares = sum([(cost * weighed - spent * weight) ** 2 for cost, weight in zip(costs, passed, strict=True)])
    ahead = number * sum([one * one for one in left]) + sum(left) ** 2
    over = squares * 4 * 49 * ahead
    under = weighed**2 * max(1, number - 1) * number * (week * DAY) ** 2
    return (isqrt(4 * over // under) + 1) // 2


def _weekday(day: int) -> int:
    return datetime.fromtimestamp(day, UTC).weekday()
