"""Raises of budgets, durable; every worker polls a number to see that there is another one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa

from triplegate.core.clock import Clock
from triplegate.core.raises import Raise
from triplegate.stores.sql.changes import raise_number, read_number
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.tables import raises

_SUBJECT = "raises"
POLL_SECONDS = 2.0


class SqlRaises:
    """Keeps them, and tells `on_news` which are in force whenever that has changed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._number = -1
        self.on_news: list[Callable[[list[Raise]], None]] = []

    async def add(self, one: Raise) -> None:
        """Keep it; this worker knows it at once. Raises DatabaseUnavailable."""
        async with self._database.writing() as connection:
            await raise_number(self._database, connection, _SUBJECT)
            await connection.execute(sa.insert(raises).values(**msgspec.structs.asdict(one)))
        await self.refresh()

    async def refresh(self) -> None:
        """Take over what changed. Raises DatabaseUnavailable."""
        async with self._database.reading() as connection:
            number = await read_number(connection, _SUBJECT)
            if number == self._number:
                return
            living = (
                sa.select(raises)
                .where(raises.c.until > self._clock.wall())
                .order_by(raises.c.created, raises.c.raise_id)
            )
            found = [_raise(row) for row in await connection.execute(living)]
        self._number = number
        for told in self.on_news:
            told(found)

    async def follow(self, every: float = POLL_SECONDS) -> None:
        """Refresh for ever; while the database is away those known are in force."""
        while True:
            with suppress(DatabaseUnavailable):
                await self.refresh()
            await asyncio.sleep(every)


def _raise(row: Any) -> Raise:
    return Raise(row.raise_id, row.bucket, row.amount, row.until, row.reason, row.actor, row.created)
