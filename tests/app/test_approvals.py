"""What becomes of a question is in the database and in the audit log; an admin's answer reaches the call that waits."""

import sqlalchemy as sa

from triplegate.core.approvals import Approval
from triplegate.gates.mcp.talking import BOX
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import audit


def asked(made, number="A1", **changes):
    now = made.house.clock.wall()
    who = ("files", "files__delete", "acme", "web", "ci", "k1", "d" * 64, '{"path":"/x"}')
    return Approval(number, *who, "admin", now, now + 60)


async def audited(made):
    async with made.store.database.reading() as connection:
        rows = await connection.execute(sa.select(audit).order_by(audit.c.number))
        return [(row.actor, row.action, row.subject, row.detail) for row in rows]


async def test_an_admin_approves_and_the_call_hears_of_it(building):
    approvals = building.approvals
    assert await approvals.begin(asked(building))
    [waits] = await approvals.newest()
    assert waits.arguments == '{"path":"/x"}'
    assert await approvals.resolve("A1", approve=True, actor="ann t1")
    assert not await approvals.resolve("A1", approve=False, actor="bob t2")
    assert await audited(building) == [
        ("ann t1", "mcp.call.approved", "files/files__delete", f"A1 acme/web/ci {'d' * 64}")
    ]
    [(_, told)] = await building.kit.mailbox.read(BOX + "A1", "", 0.0)
    assert b'"approve":true' in told
    assert await approvals.is_approved("A1", "d" * 64)
    assert not await approvals.is_approved("A1", "e" * 64)


async def test_the_caller_declines_and_nothing_of_the_arguments_is_kept(building):
    await building.approvals.begin(asked(building))
    assert await building.approvals.decide("A1", "declined", "acme/web/ci k1")
    assert [one[:2] for one in await audited(building)] == [("acme/web/ci k1", "mcp.call.declined")]
    one = await building.approvals.find("A1")
    assert (one.state, one.arguments) == ("declined", "")
    assert not await building.approvals.is_approved("A1", "d" * 64)


async def test_what_expires_is_no_decision_of_anybody(building):
    await building.approvals.begin(asked(building))
    assert await building.approvals.decide("A1", "expired", "")
    assert await audited(building) == []


async def test_nothing_is_approved_while_the_database_is_away(building):
    building.approvals._rows._database = Database("/nonexistent/folder/x.db")
    assert not await building.approvals.begin(asked(building))
    assert not await building.approvals.decide("A1", "approved", "ann")
    assert not await building.approvals.is_approved("A1", "d" * 64)
