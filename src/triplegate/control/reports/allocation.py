"""Shared cost split among teams: even, by use or by fixed parts; the parts sum to the amount to the last unit."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from triplegate.config.documents_chargeback import SharedCost
from triplegate.control.reports.period import Period
from triplegate.core.calendar import Calendar
from triplegate.core.money import from_dollars

K = TypeVar("K")
Team = tuple[str, str]
"""(org, team)"""
NOBODY: Team = ("", "")


def split(amount: int, weights: Mapping[K, int | Decimal]) -> dict[K, int]:
    """`amount` units by weight, by largest remainder; of equal remainders those that come first get the unit.

    Weights are not negative; when all are 0 everyone counts the same. Nobody: nothing is split.
    """
    if not weights:
        return {}
    exact = {one: Fraction(weight) for one, weight in weights.items()}
    whole = sum(exact.values(), start=Fraction(0))
    if not whole:
        exact, whole = dict.fromkeys(exact, Fraction(1)), Fraction(len(exact))
    quotas = {one: amount * weight / whole for one, weight in exact.items()}
    parts = {one: quota.numerator // quota.denominator for one, quota in quotas.items()}
    left = amount - sum(parts.values())
    for one in sorted(quotas, key=lambda one: parts[one] - quotas[one])[:left]:
        parts[one] += 1
    return parts


def amount_in(shared: SharedCost, period: Period, fiscal_start: int = 1) -> int:
    """Units of a shared cost that belong to a period."""
    return amount_over(from_dollars(shared.money), Calendar(shared.per, fiscal_start), period)


def amount_over(units: int, calendar: Calendar, period: Period) -> int:
    """Units that a period has of what comes with each window; of a window that lies in it partly, by time.

    Periods that follow one another have parts that sum to the whole to the last unit.
    """
    total, moment = 0, period.begin
    while moment < period.end:
        _, begin, end = (int(part) for part in calendar.at(moment))
        upto, length = min(period.end, end), end - begin
        total += units * (upto - begin) // length - units * (moment - begin) // length
        moment = upto
    return total


def allocated(shared: SharedCost, amount: int, teams: Sequence[Team], spent: Mapping[Team, int]) -> dict[Team, int]:
    """Who bears how much of `amount`; `spent` is what each team's own calls cost in the period.

    Without any team it is `NOBODY`'s.
    """
    weights: dict[Team, int | Decimal] = {}
    if shared.rule == "even":
        weights = dict.fromkeys(sorted(teams), 1)
    elif shared.rule == "use":
        weights = {team: max(0, spent.get(team, 0)) for team in sorted({*teams, *spent})}
    else:
        for name, part in sorted(shared.shares.items()):
            team = team_of(name, teams)
            weights[team] = weights.get(team, 0) + part
    return split(amount, weights or {NOBODY: 1})


def team_of(name: str, teams: Sequence[Team]) -> Team:
    """Org and team that a reference means: org/team, or a bare name that only one org has."""
    org, slash, team = name.partition("/")
    if slash:
        return org, team
    return next((one for one in teams if one[1] == name), ("", name))
