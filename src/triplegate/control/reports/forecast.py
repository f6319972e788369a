"""What a period will have cost at its end: the run rate of its whole days, weighted by weekday, with bounds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from fractions import Fraction

import msgspec

from triplegate.control.reports.period import DAY, Period, days

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
Weights = tuple[Fraction, ...]
"""By weekday, Monday first; the mean is 1."""
EVEN: Weights = (Fraction(1),) * 7


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
    return tuple(Fraction(7 * cost, sum(sums)) for cost in sums)


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
    weighed = sum((weights[_weekday(day)] for day in gone), start=Fraction(0))
    if not weighed:
        return Forecast(spent, spent, spent)
    rate = Fraction(sum(daily.get(day, 0) for day in gone)) / weighed
    left = _left(every, today, now, weights)
    ahead = rate * sum(left, start=Fraction(0))
    off = _off([daily.get(day, 0) - rate * weights[_weekday(day)] for day in gone], left)
    return Forecast(spent + round(ahead), spent + max(0, round(ahead - off)), spent + round(ahead + off))


def _left(every: Sequence[int], today: int, now: float, weights: Weights) -> list[Fraction]:
    """Weights of the days to come, today's by the part of it that is left."""
    part = Fraction(today + DAY - int(now), DAY)
    return [weights[_weekday(day)] * (part if day == today else 1) for day in every if day >= today]


def _off(residues: Sequence[Fraction], left: Sequence[Fraction]) -> Fraction:
    """Two standard errors of the sum of the days left, the error of the rate itself included."""
    variance = sum((one * one for one in residues), start=Fraction(0)) / max(1, len(residues) - 1)
    ahead = sum(left, start=Fraction(0))
    spread = 4 * variance * (sum((one * one for one in left), start=Fraction(0)) + ahead * ahead / len(residues))
    with localcontext(prec=60):
        return Fraction((Decimal(spread.numerator) / spread.denominator).sqrt())


def _weekday(day: int) -> int:
    return datetime.fromtimestamp(day, UTC).weekday()
