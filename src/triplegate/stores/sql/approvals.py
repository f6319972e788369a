"""Approvals of calls: each is decided once, in time; the arguments go with the decision."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from triplegate.core.approvals import Approval, ApprovalState
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.rows import fit
from triplegate.stores.sql.tables import approvals

MOST_OF_A_CONSUMER = 50
"""Questions of one consumer that wait at a time."""
KEPT = 90 * 86_400.0
"""Seconds that what was decided stays; the audit log keeps the decisions for ever."""
_WAITING = approvals.c.state == "waiting"


class SqlApprovals:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, one: Approval) -> bool:
        """Keep a question; False when this consumer has too many."""
        row = {name: fit(value) for name, value in msgspec.structs.asdict(one).items()}
        whose = [approvals.c[name] == row[name] for name in ("org", "team", "consumer")]
        counted = sa.select(sa.func.count()).select_from(approvals)
        counted = counted.where(_WAITING, approvals.c.until > one.asked, *whose)
        async with self._database.writing() as connection:
            await self._close_late(connection, one.asked)
            if (await connection.execute(counted)).scalar_one() >= MOST_OF_A_CONSUMER:
                return False
            await connection.execute(sa.insert(approvals).values(**row))
        return True

    async def _close_late(self, connection: Any, now: float) -> None:
        late = sa.update(approvals).where(_WAITING, approvals.c.until <= now)
        await connection.execute(late.values(state="expired", decided=approvals.c.until, arguments=""))
        await connection.execute(sa.delete(approvals).where(approvals.c.asked < now - KEPT))

    async def decide(self, approval_id: str, state: ApprovalState, actor: str, now: float) -> bool:
        """Decide on one that waits; False when somebody or its time has done so before."""
        mine = [approvals.c.approval_id == approval_id, _WAITING]
        if state != "expired":
            mine.append(approvals.c.until > now)
        decided = sa.update(approvals).where(*mine).values(state=state, actor=fit(actor), decided=now, arguments="")
        async with self._database.writing() as connection:
            done = await connection.execute(decided.returning(approvals.c.approval_id))
            return done.scalar() is not None

    async def find(self, approval_id: str) -> Approval | None:
        """One of them."""
        async with self._database.reading() as connection:
            found = await connection.execute(sa.select(approvals).where(approvals.c.approval_id == approval_id))
            row = found.first()
        return None if row is None else Approval(*row)

    async def newest(self, most: int = 200) -> Sequence[Approval]:
        """Those that wait, then the others, the newest first."""
        order = (sa.case((_WAITING, 0), else_=1), approvals.c.asked.desc(), approvals.c.approval_id)
        async with self._database.reading() as connection:
            return [
                Approval(*row) for row in await connection.execute(sa.select(approvals).order_by(*order).limit(most))
            ]
