"""A database of the third step keeps its records, and gets the new tables and column."""

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.migrations import v0001_first, v0002_sums, v0003_budgets, v0004_pins
from triplegate.stores.sql.tables import metadata, records


def _upgrade(connection: sa.Connection, *steps: object) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        for step in steps:
            step.upgrade()  # type: ignore[attr-defined]


async def test_records_stay_and_name_no_arguments(url: str) -> None:
    database = Database(url)
    values = {
        column.name: 0 if isinstance(column.type, sa.BigInteger | sa.Double) else "x"
        for column in records.columns
        if column.name != "arguments"
    }
    values |= {"streamed": False, "billed": True}
    try:
        async with database.writing() as connection:
            await connection.run_sync(lambda one: _upgrade(one, v0001_first, v0002_sums, v0003_budgets))
            then = sa.table("records", *[sa.column(name) for name in values])
            await connection.execute(sa.insert(then).values(**values))
            await connection.run_sync(lambda one: _upgrade(one, v0004_pins))
        async with database.reading() as connection:
            there = await connection.run_sync(lambda one: set(sa.inspect(one).get_table_names()))
            assert (await connection.execute(sa.select(records.c.exchange, records.c.arguments))).one() == ("x", "")
        assert set(metadata.tables) <= there
    finally:
        await database.close()
