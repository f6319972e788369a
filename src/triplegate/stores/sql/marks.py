"""Moments that the ledger remembers of itself: since when rows are kept, how far deletes have come."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import marks


class Kept(NamedTuple):
    """Since when each is whole; what is older may be gone. Unix seconds, 0 = nothing was ever deleted."""

    records: int = 0
    attempts: int = 0
    minutes: int = 0
    hours: int = 0

    @property
    def raw(self) -> int:
        """Since when all that was written is there."""
        return max(self.records, self.attempts, self.minutes)


async def kept_since(connection: AsyncConnection) -> Kept:
    """What the ledger still has."""
    found = dict(await read_marks(connection))
    return Kept(*[found.get(name, 0) for name in Kept._fields])


async def read_marks(connection: AsyncConnection) -> list[tuple[str, int]]:
    """All of them by name."""
    return [(row.name, row.at) for row in await connection.execute(sa.select(marks))]


async def raise_mark(database: Database, connection: AsyncConnection, name: str, at: int) -> None:
    """Move a mark forward; one that is further stays."""
    new = database.insert(marks).values(name=name, at=at)
    further = new.on_conflict_do_update(
        index_elements=["name"], set_={"at": new.excluded.at}, where=marks.c.at < new.excluded.at
    )
    await connection.execute(further)
