"""The durable end of the ledger: whatever is written twice is there once."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.record import Record
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.folding import Folding
from triplegate.stores.sql.inserts import NotPlain, insert_columns, insert_new, taken_of
from triplegate.stores.sql.rows import attempt_rows, fitted, has_row, record_row, rollup_rows
from triplegate.stores.sql.tables import ROLLUP_KEY, ROLLUP_SUMS, attempts, records, rollups, spool_offsets

Insert = Callable[[AsyncConnection, Sequence[Record]], Awaitable[Sequence[Record]]]


class SqlLedger:
    """The port `Ledger`, and what the drain needs besides.

    A record is unique by (exchange, part), and only one part of an exchange may be the last (final or unknown):
    what comes second is left out. Σ over the parts of an exchange is what it consumed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = database.insert
        self._add_records = insert(records).on_conflict_do_nothing().returning(records.c.exchange, records.c.part)
        self._folding = Folding(database)
        self._add_attempts = insert(attempts).on_conflict_do_nothing()
        add = insert(rollups)
        self._add_rollups = add.on_conflict_do_update(
            index_elements=list(ROLLUP_KEY), set_={name: rollups.c[name] + add.excluded[name] for name in ROLLUP_SUMS}
        )
        place = insert(spool_offsets)
        self._move_offset = place.on_conflict_do_update(
            index_elements=["file"],
            set_={"at": place.excluded.at},
            where=spool_offsets.c.at == sa.bindparam("begin", type_=sa.BigInteger),
        ).returning(spool_offsets.c.at)

    async def write(self, batch: Sequence[Record]) -> int:
        """Insert what is new; the number of new rows. Raises DatabaseUnavailable."""
        if not batch:
            return 0
        async with self._database.writing() as connection:
            new = await self._insert(connection, batch)
            await self._folding.add(connection, new, ())
            return len(new)

    async def drained(self, file: str) -> int:
        """Offset up to which a spool file is in the ledger. Raises DatabaseUnavailable."""
        async with self._database.reading() as connection:
            return await _offset(connection, file)

    async def absorb(self, file: str, begin: int, end: int, batch: Sequence[Record]) -> int:
        """Take what stands between two offsets of a spool file, rows, sums and offset together or not at all.

        The offset that holds afterwards: `end`, or another one (and nothing done) when the file was not at `begin`.
        Raises DatabaseUnavailable.
        """
        with contextlib.suppress(NotPlain):
            short = insert_new if self._database.is_sqlite else insert_columns
            return await self._absorb(file, begin, end, batch, short)
        return await self._absorb(file, begin, end, batch, self._insert)

    async def _absorb(self, file: str, begin: int, end: int, batch: Sequence[Record], insert: Insert) -> int:
        async with self._database.writing() as connection:
            moved = await connection.execute(self._move_offset, {"file": file, "at": end, "begin": begin})
            if moved.scalar() is None:
                return await _offset(connection, file)
            rows = [record for record in batch if has_row(record)]
            new = await insert(connection, rows) if rows else ()
            sums = rollup_rows(record for record in batch if not has_row(record))
            if sums:
                await connection.execute(self._add_rollups, sums)
            await self._folding.add(connection, new, sums)
            return end

    async def secure(self) -> bool:
        """Make what was taken outlast a power loss; False: try again later. Raises DatabaseUnavailable."""
        return await self._database.secure()

    async def forget(self, files: Sequence[str]) -> None:
        """The files are gone: their offsets need no keeping. Raises DatabaseUnavailable."""
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(spool_offsets).where(spool_offsets.c.file.in_(files)))

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Record]) -> Sequence[Record]:
        """Those of `batch` that are new, as they stand in the rows."""
        batch = [fitted(record) for record in batch]
        added = await connection.execute(self._add_records, [record_row(record) for record in batch])
        new = taken_of(batch, {(row.exchange, row.part) for row in added})
        tries = [row for record in new for row in attempt_rows(record)]
        if tries:
            await connection.execute(self._add_attempts, tries)
        return new


async def _offset(connection: AsyncConnection, file: str) -> int:
    found = await connection.execute(sa.select(spool_offsets.c.at).where(spool_offsets.c.file == file))
    return int(found.scalar() or 0)
