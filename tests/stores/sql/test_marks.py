"""Marks of the ledger only go forward."""

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.marks import Kept, kept_since, raise_mark


async def test_nothing_is_gone_at_first(database: Database) -> None:
    async with database.reading() as connection:
        assert await kept_since(connection) == Kept(0, 0, 0, 0)


async def test_a_mark_only_goes_forward(database: Database) -> None:
    for at in (100, 300, 200):
        async with database.writing() as connection:
            await raise_mark(database, connection, "minutes", at)
    async with database.reading() as connection:
        kept = await kept_since(connection)
    assert kept == Kept(minutes=300)
    assert kept.raw == 300
