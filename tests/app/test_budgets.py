"""A worker's budgets: read before it serves, compared with the ledger, told of when that fails."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from tests.app.conftest import CONFIGURATION, read
from tests.journeys.running import write
from tests.stores.ledger_records import record

from triplegate.app import Building
from triplegate.app.budgets import LedgerBehind
from triplegate.control.budgets.listing import budget_id
from triplegate.core.admission import Claim
from triplegate.core.clock import SystemClock
from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.state import SqlState

pytestmark = pytest.mark.timeout(60)

WITH_BUDGET = CONFIGURATION.replace("web: {", "web: {budget: [{money: 10, per: year}, {tokens: 5, per: day}], ")


async def opened(folder, text=WITH_BUDGET):
    write(folder, text)
    made = Building(read(folder), folder, {})
    await made.open()
    return made


def booked(name, **more):
    return record(
        exchange=name, org="acme", team="web", cost=20_000_000_000, attempts=(), started=SystemClock().wall(), **more
    )


async def balance(made, label="team:acme/web"):
    allowance = made.budgets.all()[label].allowance
    (found,) = await made.shared.admission.balances((Claim(allowance.bucket("acme/web"), allowance.limit),))
    return found


async def test_what_was_spent_is_known_before_it_serves(tmp_path):
    first = await opened(tmp_path)
    first.spool.append(booked("E1"))
    await first.close()
    second = await opened(tmp_path)
    try:
        assert (await balance(second)).spent == 20_000_000_000
        assert not second.budgets.keeping.closed
        assert list(second.parts.view.budget_drift()) == []
    finally:
        await second.close()


async def test_a_difference_is_told_in_dollars_and_mended(tmp_path):
    made = await opened(tmp_path)
    try:
        made.spool.append(booked("E1"))
        await made.budgets.keeping.look()
        assert dict(made.parts.view.budget_drift()) == {"team:acme/web": -2.0}
        assert (await balance(made)).spent == 20_000_000_000
        await made.budgets.keeping.look()
        assert list(made.parts.view.budget_drift()) == []
    finally:
        await made.close()


async def test_a_new_configuration_has_its_budgets_read(tmp_path):
    made = await opened(tmp_path, CONFIGURATION)
    try:
        made.spool.append(booked("E1"))
        assert made.budgets.all() == {}
        write(tmp_path, WITH_BUDGET)
        await made.reloading.reload()
        assert made.budgets.keeping.closed
        await made.budgets.keeping.look()
        assert (await balance(made)).spent == 20_000_000_000
    finally:
        await made.close()


async def test_a_ledger_that_cannot_be_read_is_told(tmp_path):
    made = await opened(tmp_path)
    try:
        made.budgets.keeping.failure, made.budgets.keeping.closed = "OSError: away", True
        (told,) = made.parts.view.degraded()
        assert (told.part, "closed until" in told.detail) == ("budgets", True)
    finally:
        await made.close()


async def test_a_raise_is_in_force_when_it_is_answered_and_stands_in_the_audit_log(tmp_path):
    made = await opened(tmp_path)
    try:
        made.spool.append(booked("E1"))
        await made.budgets.keeping.look()
        before = {one.budget: one for one in await made.budgets.listed()}
        assert (before["team:acme/web"].spent, before["team:acme/web"].remaining) == ("2", "8")
        until = SystemClock().wall() + 60.0
        granted = await made.budgets.grant(before["team:acme/web"].id, Decimal("2.5"), until, "launch", "ann")
        assert (granted.remaining, granted.raised[0].amount) == ("10.5", "2.5")
        with pytest.raises(LookupError):
            await made.budgets.grant("0" * 16, Decimal(1), until, "", "")
        async with made.store.database.reading() as connection:
            (row,) = (await connection.execute(sa.text("SELECT actor, action, subject FROM audit"))).all()
        assert tuple(row) == ("ann", "budget.raise", "team:acme/web|acme/web|year")
    finally:
        await made.close()


async def test_keys_with_budgets_are_counted_too(tmp_path):
    made = await opened(tmp_path)
    try:
        record_ = KeyRecord("key0000001", b"d" * 32, "acme", "web", "ci", budget='[{"money":"5","per":"day"}]')
        await made.store.index.create(record_)
        made.spool.append(booked("E1", key_id="key0000001"))
        await made.budgets.keeping.look()
        (key,) = [one for one in await made.budgets.listed() if one.by == "key"]
        assert (key.budget, key.holder, key.org, key.team, key.spent) == (
            "key:key0000001",
            "key0000001",
            "acme",
            "web",
            "2",
        )
    finally:
        await made.close()


async def test_nodes_that_share_a_database_alone_share_budgets_and_one_of_them_compares(tmp_path):
    write(tmp_path, "state: sql\n" + WITH_BUDGET)
    first = Building(read(tmp_path), tmp_path, {})
    await first.open()
    second = SqlState(first.settings.store_url.reveal(), SystemClock(), first.supervisor)
    try:
        allowance = first.budgets.all()["team:acme/web"].allowance
        claim = Claim(allowance.bucket("acme/web"), allowance.limit, 60_000_000_000)
        assert (await second.admission.take((claim,), 60.0)).retry_after is None
        assert (await first.kit.admission.take((claim,), 60.0)).retry_after is not None
        assert not await first.budgets._mine(), "it was its turn a moment ago"
        first.budgets.keeping.failure = ""
        assert list(first.parts.view.degraded()) == []
        first.shared.admission.failure = "the database is away"
        (told,) = first.parts.view.degraded()
        assert (told.part, "refused until" in told.detail) == ("budgets", True)
    finally:
        await second.end()
        await first.close()


async def test_budgets_stay_closed_while_the_ledger_lacks_calls_that_have_ended(tmp_path, monkeypatch):
    made = await opened(tmp_path, CONFIGURATION)
    monkeypatch.setattr("triplegate.app.budgets._LATE", 0.05)
    try:
        made.spool.append(booked("E1"))
        write(tmp_path, WITH_BUDGET)
        await made.reloading.reload()
        async with made.spool._draining:  # a backlog that takes longer than anyone waits
            with pytest.raises(LedgerBehind, match="1 entries"):
                await made.budgets.keeping.look()
            assert made.budgets.keeping.closed
            assert await made.budgets.by_day(budget_id("team:acme/web|acme/web|year")) == {}, "pages show what there is"
        await made.budgets.keeping.look()
        assert not made.budgets.keeping.closed
        assert (await balance(made)).spent == 20_000_000_000
    finally:
        await made.close()
