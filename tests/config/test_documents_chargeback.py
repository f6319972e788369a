"""What finance adds: shared cost with rules, tags by team, a fiscal start; what is wrong is said."""

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from triplegate.config.documents_chargeback import ChargebackDocument, SharedCost
from triplegate.config.faults import ConfigError
from triplegate.config.load import load
from triplegate.core.policy import Registry
from triplegate.policies import built_in

GOOD = """
chargeback:
  shared:
    - {name: Gateway platform, money: 2500.50}
    - {name: Committed capacity, money: 900, per: quarter, rule: fixed, shares: {web: 2, acme/ops: 0.5}}
  tags: {web: {cost_center: "4711", owner: "Jane Doe, Finance"}}
  fiscal_start: 4
orgs: {acme: {teams: {web: {}, ops: {}}}}
"""


def test_it_is_read_exactly(tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text(GOOD)
    read = load(tmp_path, Registry(built_in())).documents.chargeback
    platform, capacity = read.shared
    assert platform == SharedCost(name="Gateway platform", money=Decimal("2500.5"), per="month", rule="even")
    assert (capacity.per, capacity.shares) == ("quarter", {"web": Decimal(2), "acme/ops": Decimal("0.5")})
    assert read.tags["web"]["owner"] == "Jane Doe, Finance"
    assert read.fiscal_start == 4


def test_a_team_that_is_none_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text(GOOD.replace("{web: 2", "{webb: 2").replace("tags: {web", "tags: {wob"))
    with pytest.raises(ConfigError) as told:
        load(tmp_path, Registry(built_in()))
    assert [str(fault) for fault in told.value.faults] == [
        "triplegate.yaml:5:82 unknown team 'webb' (did you mean 'web'?)",
        "triplegate.yaml:6:10 unknown team 'wob' (did you mean 'web'?)",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"shared": [{"name": "x", "money": 1, "rule": "fixed"}]},
        {"shared": [{"name": "x", "money": 1, "shares": {"web": 1}}]},
        {"shared": [{"name": "x", "money": 1, "rule": "fixed", "shares": {"web": 0}}]},
        {"shared": [{"name": "x", "money": -1}]},
        {"shared": [{"name": "x", "money": 1}, {"name": "x", "money": 2}]},
        {"shared": [{"name": "two\nlines", "money": 1}]},
        {"fiscal_start": 13},
        {"tags": {"web": {"cost center": "1"}}},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChargebackDocument.model_validate(wrong)
