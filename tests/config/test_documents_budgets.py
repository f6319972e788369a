"""Budgets as written become limits in ledger units, in a window that is named once."""

from typing import Any

import pytest
from pydantic import ValidationError

from triplegate.config.documents import Documents
from triplegate.config.documents_budgets import BudgetTerms, allowances
from triplegate.config.people import directory_of
from triplegate.core.calendar import Calendar, Rolling


def terms(**fields: Any) -> BudgetTerms:
    return BudgetTerms.model_validate(fields)


def test_dollars_become_units_and_the_window_has_the_orgs_fiscal_start() -> None:
    one = terms(money=0.1, per="quarter").allowance("team:acme/web", "web", "team", 4)
    assert (one.limit.name, one.limit.dimension, one.limit.quota) == ("web", "money", 1_000_000_000)
    assert one.limit.window == Calendar("quarter", 4)
    assert terms(money=1, per="month").window(4) == Calendar("month"), "months begin with their first day"
    assert terms(tokens=5000, rolling="30d").window(4) == Rolling(30 * 86_400.0)
    assert terms(tokens=5000, per="day").allowance("l", "n", "key").limit.dimension == "total"


def test_what_else_is_written_is_what_the_budget_has() -> None:
    one = terms(
        money=1, per="day", mode="observe", soft=[0.7], reservation="strict", last_request=True, hard_cutoff=True
    ).allowance("l", "n", "key")
    assert (one.mode, one.soft, one.reservation, one.last, one.cutoff) == ("observe", (0.7,), "strict", True, True)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"per": "day"}, "either money or tokens"),
        ({"money": 1, "tokens": 1, "per": "day"}, "either money or tokens"),
        ({"money": 1}, "either per"),
        ({"money": 1, "per": "day", "rolling": "1d"}, "either per"),
        ({"money": 0, "per": "day"}, "greater than 0"),
        ({"money": 1, "per": "decade"}, "'quarter' or 'year'"),
        ({"money": 1, "rolling": "10s"}, "greater than or equal to 60"),
        ({"money": 1, "per": "day", "soft": [0.9, 0.5]}, "grow"),
        ({"money": 1, "per": "day", "soft": [0]}, "greater than 0"),
        ({"money": 1, "per": "day", "limit": 3}, "Extra inputs"),
    ],
)
def test_what_says_two_things_or_nothing_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        BudgetTerms.model_validate(wrong)


def test_each_of_several_budgets_has_a_label_of_its_own() -> None:
    found = allowances((terms(money=1, per="day"), terms(money=9, per="month")), "org:acme", "org", 1)
    assert [one.label for one in found] == ["org:acme", "org:acme#2"]


def test_a_principal_has_the_budgets_of_its_org_team_and_consumer() -> None:
    documents = Documents.model_validate(
        {
            "orgs": {
                "acme": {
                    "fiscal_start": 4,
                    "budget": {"money": 1000, "per": "year"},
                    "teams": {
                        "web": {
                            "budget": [{"money": 100, "per": "month"}, {"tokens": 10**6, "per": "day"}],
                            "consumers": {"ci": {"budget": {"money": 5, "per": "day"}}, "cd": {}},
                        },
                        "ops": {},
                    },
                }
            }
        }
    )
    directory = directory_of(documents)
    web = directory.teams["acme/web"]
    known = directory.principal(web, "ci", "key")
    assert [(one.label, one.by) for one in known.budgets] == [
        ("org:acme", "org"),
        ("team:acme/web", "team"),
        ("team:acme/web#2", "team"),
        ("consumer:acme/web/ci", "consumer"),
    ]
    assert known.budgets[0].limit.window == Calendar("year", 4)
    assert len(directory.principal(web, "cd", "key").budgets) == 3
    assert [one.label for one in directory.principal(directory.teams["acme/ops"], "x", "key").budgets] == ["org:acme"]
