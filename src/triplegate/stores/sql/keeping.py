"""Let go of what the ledger need not keep: a few hundred rows a transaction, with pauses, whatever there is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.clock import Clock
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.lines import DAY
from triplegate.stores.sql.marks import Kept, raise_mark, read_marks
from triplegate.stores.sql.rebuilding import lock_sums
from triplegate.stores.sql.tables import attempts, hours, records, rollups

BATCH = 500
"""Rows of a transaction: an SQLite file takes nothing else meanwhile."""
PAUSE = 0.05
"""Seconds between two of them: calls under way go first."""
EVERY = 600.0
"""Seconds between two rounds."""
_SWEPT = "attempts swept"


class Keep(Protocol):
    """For how long each is kept, in seconds; None: for ever."""

    @property
    def records(self) -> float | None:
        """Rows of calls."""
        ...

    @property
    def attempts(self) -> float | None:
        """Rows of attempts."""
        ...

    @property
    def minutes(self) -> float | None:
        """Sums of minutes."""
        ...

    @property
    def hours(self) -> float | None:
        """Sums of hours."""
        ...


class Keeping:
    """Deletes rows older than the policy says. Their sums stay: nothing is in the ledger that these do not have."""

    def __init__(
        self, database: Database, keep: Keep, clock: Clock, pause: Callable[[float], Awaitable[Any]] = asyncio.sleep
    ) -> None:
        self._database, self._keep, self._clock, self._pause = database, keep, clock, pause
        self.deleted = dict.fromkeys(Kept._fields, 0)
        """By what they are: rows deleted since the start."""
        self.failure = ""
        """Why the last round did not get through; empty when it did."""

    async def run(self) -> None:
        """Round after round, for ever."""
        while True:
            try:
                await self.sweep()
                self.failure = ""
            except Exception as error:  # noqa: BLE001 - the next round begins where this one ended
                self.failure = f"{type(error).__name__}: {error}"
            await self._pause(EVERY)

    async def sweep(self) -> None:
        """Delete all that is too old now. Raises DatabaseUnavailable; may be broken off and repeated."""
        now = self._clock.wall()
        ways = {"attempts": self._attempts, "records": self._records, "minutes": self._minutes, "hours": self._hours}
        for name, delete in ways.items():
            kept = getattr(self._keep, name)
            if kept is None:
                continue
            until = int((now - kept) // DAY) * DAY
            await self._mark(name, until)
            while gone := await self._step(delete, until):
                self.deleted[name] += gone
                await self._pause(PAUSE)

    async def _mark(self, name: str, until: int) -> None:
        """Say first what will be gone, so that nobody sums anew what is only partly there."""
        async with self._database.writing() as connection:
            await lock_sums(self._database, connection)
            await raise_mark(self._database, connection, name, until)
            if name == "records":  # they take their attempts with them
                await raise_mark(self._database, connection, "attempts", until)

    async def _step(self, delete: Callable[[AsyncConnection, int], Awaitable[int]], until: int) -> int:
        async with self._database.writing() as connection:
            return await delete(connection, until)

    async def _records(self, connection: AsyncConnection, until: int) -> int:
        old = sa.select(records.c.exchange, records.c.part).where(records.c.started < until)
        names = [tuple(row) for row in await connection.execute(old.order_by(records.c.started).limit(BATCH))]
        if names:
            for table in (attempts, records):
                await connection.execute(sa.delete(table).where(sa.tuple_(table.c.exchange, table.c.part).in_(names)))
        return len(names)

    async def _attempts(self, connection: AsyncConnection, until: int) -> int:
        swept = dict(await read_marks(connection)).get(_SWEPT, 0)
        mine = sa.and_(attempts.c.exchange == records.c.exchange, attempts.c.part == records.c.part)
        old = sa.select(records.c.exchange, records.c.part, records.c.started).where(
            records.c.started >= swept, records.c.started < until, sa.exists().where(mine)
        )
        found = list(await connection.execute(old.order_by(records.c.started).limit(BATCH)))
        names = [(row.exchange, row.part) for row in found]
        if not names:
            await raise_mark(self._database, connection, _SWEPT, until)
            return 0
        gone = sa.delete(attempts).where(sa.tuple_(attempts.c.exchange, attempts.c.part).in_(names))
        deleted = (await connection.execute(gone)).rowcount
        await raise_mark(self._database, connection, _SWEPT, int(found[-1].started))
        return deleted

    async def _minutes(self, connection: AsyncConnection, until: int) -> int:
        return await self._oldest(connection, rollups, rollups.c.minute, until)

    async def _hours(self, connection: AsyncConnection, until: int) -> int:
        return await self._oldest(connection, hours, hours.c.hour, until)

    async def _oldest(
        self, connection: AsyncConnection, table: sa.Table, period: sa.ColumnElement[Any], until: int
    ) -> int:
        """The oldest rows of sums, in the order of their key."""
        key = list(table.primary_key.columns)
        old = sa.select(*key).where(period < until).order_by(*key).limit(BATCH)
        names = [tuple(row) for row in await connection.execute(old)]
        if names:
            await connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(names)))
        return len(names)
