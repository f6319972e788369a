"""A database of the second step keeps its keys, which have no budgets of their own, and gets the new tables."""

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from triplegate.core.clock import SystemClock
from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.key_index import KeyIndex
from triplegate.stores.sql.keys import SqlKeyStore
from triplegate.stores.sql.migrations import v0001_first, v0002_sums, v0003_budgets
from triplegate.stores.sql.tables import metadata


def _upgrade(connection: sa.Connection, *steps: object) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        for step in steps:
            step.upgrade()  # type: ignore[attr-defined]


async def test_keys_stay_and_have_no_budget(url: str) -> None:
    database = Database(url)
    try:
        async with database.writing() as connection:
            await connection.run_sync(lambda one: _upgrade(one, v0001_first, v0002_sums))
            await connection.execute(
                sa.text(
                    "INSERT INTO keys"
                    " (key_id, digest, org, team, consumer, plan, roles, scopes, name, created, changed)"
                    " VALUES ('k1', 'abc', 'acme', 'web', 'ci', '', '[]', '[]', '', 1.0, 1)"
                )
            )
            await connection.execute(sa.text("INSERT INTO changes (subject, number) VALUES ('keys', 1)"))
            await connection.run_sync(lambda one: _upgrade(one, v0003_budgets))
        index = KeyIndex(SqlKeyStore(database), SystemClock())
        await index.refresh()
        assert index.budgeted() == []
        await index.create(KeyRecord("k2", b"d", "acme", "web", "ci", budget='[{"money":"5","per":"day"}]'))
        assert [one.budget for one in index.budgeted()] == ['[{"money":"5","per":"day"}]']
        await index.revoke("k2", 5.0)
        assert index.budgeted() == []
        async with database.reading() as connection:
            there = await connection.run_sync(lambda one: set(sa.inspect(one).get_table_names()))
        assert {name for name in metadata.tables if not name.startswith("mcp_")} <= there
    finally:
        await database.close()
