"""A statement is the chargeback report of one team: its tables and totals are the same numbers."""

from decimal import Decimal

from tests.control.reports.calls import UNIT, Calls, at, call
from tests.control.reports.test_chargeback import CALLS, DECEMBER, TEAMS

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.period import read_period
from triplegate.control.reports.statement import Entry, PriceUsed, Shared, Statement, statement

DOCUMENT = ChargebackDocument.model_validate(
    {
        "shared": [{"name": "platform", "money": 90}, {"name": "support", "money": 20, "rule": "use"}],
        "tags": {"web": {"cost_center": "4711"}},
        "operator": "Acme Platform",
    }
)
HOUSE = House(DOCUMENT, TEAMS, lambda labels, period: 8 * UNIT if labels == {"org": "acme", "team": "web"} else None)


async def stated(now: float = DECEMBER, calls: Calls | None = None) -> Statement:
    ask = (calls or Calls(CALLS)).ask
    return await statement(("acme", "web"), read_period("2026-11"), HOUSE, ask, now)


async def test_totals_are_own_calls_and_shared_cost() -> None:
    told = await stated()
    assert (told.org, told.team, told.operator, told.tags) == ("acme", "web", "Acme Platform", {"cost_center": "4711"})
    support = Decimal(20 * UNIT * 6 * UNIT // (10 * UNIT + 1) + 1) / UNIT
    assert told.shared == [
        Shared("platform", "even", Decimal(30), Decimal(30)),
        Shared("support", "use", support, Decimal(16)),
    ]
    assert (told.cost, told.total, told.previous) == (6, 36 + support, 4 + 30 + 16)
    assert (told.budget, told.budget_used) == (8, 75)
    assert told.forecast == (told.total,) * 3
    assert (told.amount("wasted"), told.amount("saved"), told.sums["failed"]) == (1, Decimal("7E-10"), 1)


async def test_its_tables_sum_to_its_own_cost() -> None:
    told = await stated(calls=Calls([*CALLS, call("2026-11-05", {"consumer": "shop", "route": "fast"}, cost=2 * UNIT)]))
    assert told.consumers == [
        Entry("ci", 2, 100, 20, Decimal(6), Decimal(4)),
        Entry("shop", 1, 0, 0, Decimal(2), Decimal(0)),
    ]
    assert [(one.name, one.cost) for one in told.models] == [("llm", 6), ("llm fast", 2)]
    for table in (told.consumers, told.models, told.prices):
        assert sum(one.cost for one in table) == told.cost == 8


async def test_prices_that_something_was_paid_by_are_named() -> None:
    calls = [
        call("2026-11-02", {"price_version": "a@t#1", "route": "smart"}, cost=UNIT),
        call("2026-11-03", {"price_version": "b@t#2", "route": "smart"}, cost=2 * UNIT),
        call("2026-11-04", {"price_version": "none", "route": "odd"}),
    ]
    told = await stated(calls=Calls(calls))
    assert told.prices == [PriceUsed("b@t#2", "smart", 1, Decimal(2)), PriceUsed("a@t#1", "smart", 1, Decimal(1))]


async def test_while_the_period_runs_its_end_is_foreseen_with_what_is_shared() -> None:
    told = await stated(at("2026-11-06"))
    assert told.forecast is not None
    assert told.forecast[0] == 36 + told.shared[1].part - 0 + Decimal(6) / 5 * 25
    assert (await stated(at("2026-11-01"))).forecast is None
