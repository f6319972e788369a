"""Budgets as they are shown: exact amounts, the window, what was granted, and whose they are."""

from decimal import Decimal

import pytest
from tests.control.budgets.test_reading import DAY, budget

from triplegate.control.budgets.listing import NoBudgets, budget_id, places, views
from triplegate.control.budgets.reading import Bucket
from triplegate.core.admission import Claim
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.clock import SetClock
from triplegate.core.raises import Raise, Raised
from triplegate.stores.memory.admission import MemoryAdmission

MONTH = Calendar("month")
WEB = {"org": "acme", "team": "web"}


def test_who_has_a_budget_of_its_own_is_shown_before_anything_was_spent() -> None:
    found = places(
        {
            one.allowance.label: one
            for one in (
                budget("org:acme", "org", MONTH, {"org": "acme"}),
                budget("team:acme/web", "team", MONTH, WEB),
                budget("consumer:acme/web/ci", "consumer", MONTH, WEB | {"consumer": "ci"}),
                budget("key:k1", "key", MONTH, {"key": "k1"}),
                budget("trial", "key", MONTH, {"plan": "free"}),
                budget("models", "model", MONTH),
            )
        },
        [
            Bucket(budget("trial", "key", MONTH, {"plan": "free"}), "k1", 0),
            Bucket(budget("trial", "key", MONTH, {"plan": "free"}), "acme/ops/bot", 0),
            Bucket(budget("models", "model", MONTH), "m", 0),
            Bucket(budget("gone", "team", MONTH), "acme/web", 0),
        ],
        {"k1": ("acme", "web")},
    )
    assert {(one.allowance.label, one.holder): (one.org, one.team) for one in found} == {
        ("org:acme", "acme"): ("acme", ""),
        ("team:acme/web", "acme/web"): ("acme", "web"),
        ("consumer:acme/web/ci", "acme/web/ci"): ("acme", "web"),
        ("key:k1", "k1"): ("acme", "web"),
        ("trial", "k1"): ("acme", "web"),
        ("trial", "acme/ops/bot"): ("acme", "ops"),
        ("models", "m"): ("", ""),
    }


async def test_amounts_are_exact_and_what_was_granted_counts() -> None:
    clock = SetClock(wall=1_767_225_600.0 + 40 * DAY)
    store = MemoryAdmission(clock)
    admission = Raised(store, clock)
    one = budget("team:acme/web", "team", Calendar("quarter", 2), WEB)
    tokens = budget("org:acme", "org", Rolling(30 * DAY), {"org": "acme"}, dimension="total")
    found = places({"team:acme/web": one, "org:acme": tokens}, [], {})
    claim = Claim(one.allowance.bucket("acme/web"), one.allowance.limit, 700)
    taken = await store.take((claim,), 60.0)
    assert taken.hold is not None
    taken.hold.settle({"money": 850})
    await store.take((Claim(claim.bucket, claim.limit, 100),), 60.0)
    org, team = await views(found, admission, clock.wall())
    assert (team.limit, team.spent, team.held, team.remaining) == (
        "0.0000001",
        "0.000000085",
        "0.00000001",
        "0.000000005",
    )
    assert (team.window, str(team.begin), str(team.end)) == (
        "quarter:2",
        "2026-02-01 00:00:00+00:00",
        "2026-05-01 00:00:00+00:00",
    )
    assert (team.crossed, team.soft, team.unit, team.id) == (0.8, [0.5, 0.8, 1.0], "USD", budget_id(claim.bucket))
    assert (org.unit, org.limit, org.remaining, org.end, org.window, org.crossed) == (
        "tokens",
        "1000",
        "1000",
        None,
        "30d",
        None,
    )
    admission.take_over([Raise("r", claim.bucket, 1_000, clock.wall() + 60, "launch", "ann")])
    _, team = await views(found, admission, clock.wall())
    assert (team.limit, team.remaining, team.crossed) == ("0.0000001", "0.000000105", None)
    assert [(granted.amount, granted.reason) for granted in team.raised] == [("0.0000001", "launch")]


async def test_a_house_without_budgets_has_none_to_raise() -> None:
    assert await NoBudgets().listed() == []
    with pytest.raises(LookupError):
        await NoBudgets().grant("x", Decimal(1), 0.0, "", "")
