"""The key index: a look-up is a look into a dict, whatever the database does."""

import asyncio

import sqlalchemy as sa

from triplegate.core.clock import SetClock
from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.key_index import KeyIndex
from triplegate.stores.sql.keys import SqlKeyStore

RECORD = KeyRecord("a", b"d", "acme", "web", "ci")


async def test_unknown_keys_ask_nothing(database: Database) -> None:
    statements: list[str] = []
    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    index = KeyIndex(SqlKeyStore(database), SetClock())
    await index.refresh()
    loaded = len(statements)
    assert [index.find(f"unknown{n}") for n in range(500)] == [None] * 500
    assert len(statements) == loaded


async def test_while_the_database_is_away_the_keys_known_are_the_keys(database: Database) -> None:
    class Away(SqlKeyStore):
        away = False

        async def changed(self, since: int) -> tuple[int, list[KeyRecord]]:
            if self.away:
                raise DatabaseUnavailable("The database is away")
            return await super().changed(since)

    clock = SetClock()
    store = Away(database)
    index = KeyIndex(store, clock)
    await index.create(RECORD)
    seen = index.seen
    store.away = True
    clock.advance(60)
    following = asyncio.create_task(index.follow(every=0.001))
    async with asyncio.timeout(10):
        while not index.failure:
            await asyncio.sleep(0.001)
        assert index.find("a") == RECORD
        assert index.seen == seen
        store.away = False
        while index.failure:
            await asyncio.sleep(0.001)
    assert index.seen == clock.now()
    following.cancel()


async def test_a_replaced_database_replaces_the_keys(database: Database) -> None:
    index = KeyIndex(SqlKeyStore(database), SetClock())
    await index.create(RECORD)
    await index.revoke("a", 5.0)
    async with database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM keys"))
        await connection.execute(sa.text("DELETE FROM changes"))
    await index.refresh()
    assert index.find("a") is None
    assert len(index) == 0
