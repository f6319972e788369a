"""Counters in the database that say something changed; whoever raises one holds it until the commit."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import changes


async def raise_number(database: Database, connection: AsyncConnection, subject: str) -> int:
    """The next number of `subject`; numbers become visible in their order, without gaps, because writers queue here."""
    first = database.insert(changes).values(subject=subject, number=1)
    raised = first.on_conflict_do_update(index_elements=["subject"], set_={"number": changes.c.number + 1})
    found = await connection.execute(raised.returning(changes.c.number))
    return int(found.scalar_one())


async def read_number(connection: AsyncConnection, subject: str) -> int:
    """The last number of `subject`; 0 before the first."""
    found = await connection.execute(sa.select(changes.c.number).where(changes.c.subject == subject))
    return int(found.scalar() or 0)
