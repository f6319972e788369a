"""While the database is away budgets are closed, what is only watched is not, and what was settled waits."""

from pathlib import Path

import pytest

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.sql import admission as module
from triplegate.stores.sql.admission import SqlAdmission
from triplegate.stores.sql.engine import Database
from triplegate.upstreams.supervisor import TaskSupervisor

LIMIT = Limit("web", "budget", "money", 100, Calendar("month"))
RATE = Limit("calls", "rate", "requests", 2, 60.0)
CLAIM = Claim("web", LIMIT, 60)


def away(tmp_path: Path) -> Database:
    """Without tables."""
    return Database(f"sqlite:///{tmp_path}/nowhere/there-is-none.db")


async def test_budgets_fail_closed_and_rates_get_theirs_back(tmp_path: Path) -> None:
    admission = SqlAdmission(away(tmp_path), SetClock(), TaskSupervisor())
    for _ in range(3):
        with pytest.raises(Refusal) as refused:
            await admission.take((Claim("r", RATE), CLAIM), 30.0)
        assert (refused.value.code, refused.value.retry_after) == ("policy_unavailable", 1.0)
    assert admission.failure
    for _ in range(2):
        assert (await admission.take((Claim("r", RATE),), 30.0)).retry_after is None
    watched = Claim("web", LIMIT, 60, "observe")
    assert (await admission.take((watched,), 30.0)).retry_after is None
    with pytest.raises(Refusal):
        await admission.balances((CLAIM,))


async def test_a_full_rate_asks_no_database_for_a_hold(database: Database) -> None:
    clock = SetClock()
    admission = SqlAdmission(database, clock, TaskSupervisor(), wall=clock.wall)
    for _ in range(2):
        await admission.take((Claim("r", RATE),), 30.0)
    refused = await admission.take((Claim("r", RATE), CLAIM), 30.0)
    assert [one.denied for one in refused.standings] == [True, False]
    assert (await admission.balances((CLAIM,)))[0].held == 0


async def test_what_was_settled_waits_for_the_database_within_a_bound(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    clock, supervisor = SetClock(), TaskSupervisor()
    admission = SqlAdmission(database, clock, supervisor, wall=clock.wall)
    holds = [(await admission.take((Claim("web", LIMIT, 1),), 30.0)).hold for _ in range(5)]
    admission._database, there = away(tmp_path), admission._database
    for hold in holds:
        assert hold is not None
        hold.settle({"money": 1})
    with pytest.raises(Refusal):
        await admission.flush()
    assert admission.dropped == 2
    admission._database = there
    (balance,) = await admission.balances((CLAIM,))
    assert (balance.spent, balance.held) == (3, 2)
    assert not admission.failure
    await supervisor.close()


async def test_who_waits_too_long_for_a_turn_is_told_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    admission = SqlAdmission(database, SetClock(), TaskSupervisor())
    admission._turns._value = 0
    with pytest.raises(Refusal) as refused:
        await admission.take((CLAIM,), 30.0)
    assert refused.value.code == "overloaded"
