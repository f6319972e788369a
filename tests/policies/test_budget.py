"""The policy: a budget wherever policies stand, with the name a refused caller is told."""

from tests.builders import make_exchange

from triplegate.core.calendar import Calendar
from triplegate.core.catalog import Route
from triplegate.core.money import Price
from triplegate.policies.budget import Budget

PRICED = Route("orders", "api", "acme/web", price=Price(call=100))


def test_its_label_is_its_place_and_its_window_the_one_written():
    policy = Budget(money=2.5, per="quarter", fiscal_start=7).placed("plan:free/budget", "x")
    (claim,) = policy.claims(make_exchange(route=PRICED), None)
    assert claim.bucket == "plan:free/budget|acme/web|quarter:7"
    assert (claim.limit.name, claim.limit.quota, claim.limit.window) == (
        "budget",
        25_000_000_000,
        Calendar("quarter", 7),
    )


def test_a_name_of_its_own_makes_one_budget_of_several_places():
    first, second = (Budget(money=1, per="day", name="trial").placed(f"route:{n}/budget", "x") for n in "ab")
    exchange = make_exchange(route=PRICED)
    assert first.claims(exchange, None) == second.claims(exchange, None)
    assert first.claims(exchange, None)[0].limit.name == "trial"


def test_it_is_by_team_where_nothing_is_said():
    exchange = make_exchange(route=PRICED)
    assert Budget(money=1, per="day").claims(exchange, None)[0].bucket == "budget|acme/web|day"
    assert Budget(money=1, per="day", by="route").claims(exchange, None)[0].bucket == "budget|api:orders|day"
