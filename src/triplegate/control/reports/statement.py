"""A team's statement of a period: what it pays, for what, at which prices, and its part of shared cost."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from triplegate.control.reports.allocation import Team
from triplegate.control.reports.chargeback import Chargeback, House, Line, Question, chargeback
from triplegate.control.reports.columns import money, percent
from triplegate.control.reports.forecast import Forecast
from triplegate.control.reports.period import Period
from triplegate.control.reports.spending import Ask, Spent


class Entry(msgspec.Struct, frozen=True):
    """A line of the statement; money in US dollars, exact."""

    name: str
    requests: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    previous: Decimal


class Shared(msgspec.Struct, frozen=True):
    """A shared cost, and the team's part of it."""

    name: str
    rule: str
    part: Decimal
    previous: Decimal


class PriceUsed(msgspec.Struct, frozen=True):
    """A version of a price, and what was paid by it."""

    version: str
    route: str
    requests: int
    cost: Decimal


class Statement(msgspec.Struct, frozen=True):
    """What is on the page; `total` = `cost` + Σ shared, and each table's costs sum to `cost`."""

    org: str
    team: str
    operator: str
    period: Period
    as_of: float
    tags: dict[str, str]
    sums: dict[str, int]
    """Counts of the team's calls, by the names of the ledger; money among them in units."""
    cost: Decimal
    shared: list[Shared]
    total: Decimal
    previous: Decimal
    budget: Decimal | None
    budget_used: Decimal | None
    """In percent."""
    forecast: tuple[Decimal, Decimal, Decimal] | None
    """Expected, low and high, of all there is to pay."""
    consumers: list[Entry]
    models: list[Entry]
    """By what was called: models, routes and tool servers."""
    prices: list[PriceUsed]

    def amount(self, name: str) -> Decimal:
        """A sum of money by its name in the ledger (saved, wasted, surcharge), in dollars."""
        return money(self.sums.get(name, 0)) or Decimal(0)


async def statement(team: Team, period: Period, house: House, ask: Ask, now: float) -> Statement:
    """Ask the ledger for one team. Raises DatabaseUnavailable."""
    where = dict(zip(("org", "team"), team, strict=True))
    by_consumer = await chargeback(Question(period, ("consumer",), where), house, ask, now)
    by_call = await chargeback(Question(period, ("gate", "route"), where), house, ask, now)
    used = await ask(("price_version", "route"), period.begin, period.end, where)
    totals = by_consumer.totals
    budget = house.budget(where, period)
    cost = totals.sums.get("cost", 0)
    return Statement(
        *team,
        house.document.operator,
        period,
        now,
        house.tags(team),
        totals.sums,
        _dollars(cost),
        _shared(by_consumer, house),
        _dollars(totals.total),
        _dollars(totals.previous),
        money(budget),
        None if budget is None else percent(cost, budget),
        _foreseen(totals.forecast),
        _entries(by_consumer),
        _entries(by_call),
        _prices(used),
    )


def _dollars(units: int) -> Decimal:
    return money(units) or Decimal(0)


def _entries(report: Chargeback) -> list[Entry]:
    return [
        Entry(
            " ".join(part for part in line.labels if part),
            line.sums.get("requests", 0),
            line.sums.get("tokens_in", 0),
            line.sums.get("tokens_out", 0),
            _dollars(line.total),
            _dollars(line.previous),
        )
        for line in report.lines
        if line.kind == "usage"
    ]


def _shared(report: Chargeback, house: House) -> list[Shared]:
    rules = {one.name: one.rule for one in house.document.shared}
    lines: list[Line] = [line for line in report.lines if line.kind == "shared"]
    return [Shared(line.item, rules[line.item], _dollars(line.shared), _dollars(line.previous)) for line in lines]


def _foreseen(told: Forecast | None) -> tuple[Decimal, Decimal, Decimal] | None:
    return None if told is None else (_dollars(told.expected), _dollars(told.low), _dollars(told.high))


def _prices(used: Sequence[Spent]) -> list[PriceUsed]:
    """The versions that something was paid by, the dearest first."""
    found = [
        PriceUsed(
            row.labels["price_version"], row.labels["route"], row.sums.get("requests", 0), _dollars(row.sums["cost"])
        )
        for row in used
        if row.sums.get("cost", 0)
    ]
    return sorted(found, key=lambda one: (-one.cost, one.version, one.route))
