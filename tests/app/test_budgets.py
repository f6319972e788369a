"""A worker's budgets: read before it serves, compared with the ledger, told of when that fails."""

from tests.app.conftest import CONFIGURATION, read
from tests.journeys.running import write
from tests.stores.ledger_records import record

from triplegate.app import Building
from triplegate.core.admission import Claim
from triplegate.core.clock import SystemClock

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
