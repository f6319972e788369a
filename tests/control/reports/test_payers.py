"""Who pays, as the configuration says it: teams, and the tightest budget of whom a line names."""

from pathlib import Path

import pytest
from tests.control.reports.calls import UNIT

from triplegate.config.load import load
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.payers import house_of
from triplegate.control.reports.period import read_period
from triplegate.core.policy import Registry
from triplegate.policies import built_in

WRITTEN = """
chargeback: {tags: {web: {cost_center: "1"}}}
orgs:
  acme:
    fiscal_start: 4
    budget: [{money: 1000, per: year}, {money: 600, per: quarter}]
    teams:
      web:
        budget: {money: 100, per: month}
        consumers:
          ci: {budget: [{money: 3, per: day}, {money: 300, rolling: 30d}, {tokens: 5, per: day}]}
          shop: {budget: {tokens: 100, per: month}}
      ops: {consumers: {ci: {}}}
  umbrella: {teams: {ops: {budget: {money: 7, per: week}}}}
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "triplegate.yaml").write_text(WRITTEN)
    return house_of(load(tmp_path, Registry(built_in())).documents)


def test_teams_and_names_of_finance(house: House) -> None:
    assert house.teams == (("acme", "web"), ("acme", "ops"), ("umbrella", "ops"))
    assert house.document.tags == {"web": {"cost_center": "1"}}


@pytest.mark.parametrize(
    ("labels", "period", "dollars"),
    [
        ({"team": "web"}, "2026-11", 100),
        ({"org": "acme", "team": "web"}, "2026-Q4", 300),
        ({"org": "umbrella", "team": "web"}, "2026-11", None),
        ({"team": "ops"}, "2026-W47", None),  # of which org?
        ({"org": "umbrella", "team": "ops"}, "2026-W47", 7),
        ({"org": "acme", "team": "ops"}, "2026-11", None),
        ({"org": "acme"}, "2026", 1000),  # four quarters of 600 are more
        ({"org": "nobody"}, "2026", None),
        ({"team": "web", "consumer": "ci"}, "2026-11", 90),
        ({"team": "web", "consumer": "ci"}, "2028-02", 87),
        ({"team": "web", "consumer": "shop"}, "2026-11", None),  # tokens are no money
        ({"team": "web", "consumer": "nobody"}, "2026-11", None),
        ({"consumer": "ci"}, "2026-11", None),  # of which team?
        ({"team": "web", "model": "smart"}, "2026-11", None),
        ({}, "2026-11", None),
    ],
)
def test_the_budget_of_a_line(house: House, labels: dict[str, str], period: str, dollars: int | None) -> None:
    found = house.budget(labels, read_period(period, 4 if period == "2026" else 1))
    assert found == (None if dollars is None else dollars * UNIT)
