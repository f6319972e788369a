"""The steps lead to the tables as the program sees them."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import metadata


async def test_after_all_steps_there_is_nothing_to_change(database: Database) -> None:
    def differences(connection: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, metadata)

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_database_itself_allows_one_last_part(database: Database) -> None:
    table = metadata.tables["records"]
    empty: dict[type, Any] = {sa.Text: "", sa.BigInteger: 0, sa.Double: 0.0, sa.Boolean: False}
    row = {column.name: empty[type(column.type)] for column in table.columns} | {"exchange": "x"}
    async with database.writing() as connection:
        await connection.execute(sa.insert(table), [row | {"part": n, "kind": "interim"} for n in (1, 2)])
        await connection.execute(sa.insert(table), [row | {"part": 3, "kind": "final"}])
    with pytest.raises(IntegrityError):
        async with database.writing() as connection:
            await connection.execute(sa.insert(table), [row | {"part": 4, "kind": "unknown"}])
