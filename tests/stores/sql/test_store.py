"""Everything durable, opened once: tables brought up to date, keys read, patience with a database that is away."""

import asyncio
import time

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import record

from triplegate.control.view import AdminToken
from triplegate.core.clock import SystemClock
from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.store import SqlStore
from triplegate.stores.sql.tables import records


async def count(database):
    async with database.engine.connect() as connection:
        return (await connection.execute(sa.select(sa.func.count()).select_from(records))).scalar_one()


KEY = KeyRecord("key0000001", bytes(32), "acme", "web", "ci", "")


@pytest.fixture
async def store(url):
    made = SqlStore(url, SystemClock(), AdminToken)
    yield made
    await made.close()


async def test_an_empty_database_becomes_ready_and_a_ready_one_is_read(store, url):
    await store.open()
    await store.index.create(KEY)
    other = SqlStore(url, SystemClock(), AdminToken)
    await other.open()
    assert other.index.find("key0000001") == store.index.find("key0000001")
    await other.ledger.write([record()])
    await other.ledger.write([record()])  # the same again is no second one
    assert await count(store.database) == 1
    assert other.failure == ""
    await other.close()


async def test_it_follows_what_another_worker_changes(store, url):
    await store.open()
    following = asyncio.ensure_future(store.follow())
    other = SqlStore(url, SystemClock(), AdminToken)
    await other.open()
    await other.index.create(KEY)
    end = time.monotonic() + 5
    while store.index.find("key0000001") is None:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await other.close()


AWAY = "postgresql://nobody@127.0.0.1:1/nothing"


async def test_a_database_that_is_away_is_waited_for_and_then_named():
    store = SqlStore(AWAY, SystemClock(), AdminToken)
    begun = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        await store.open(0.5)
    assert 0.4 < time.monotonic() - begun < 5
    await store.close()


async def test_where_it_is_not_required_the_start_goes_on_and_says_why():
    store = SqlStore(AWAY, SystemClock(), AdminToken)
    await store.open(10.0, required=False)
    assert "127.0.0.1" in store.failure
    await store.close()


async def test_a_start_without_the_database_catches_up_when_it_comes(tmp_path):
    folder = tmp_path / "later"
    store = SqlStore(f"sqlite:///{folder}/ledger.db", SystemClock(), AdminToken)
    await store.open(0.1, required=False)
    assert store.failure
    folder.mkdir()
    following = asyncio.ensure_future(store.follow())
    end = time.monotonic() + 5
    while store.failure:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    await store.index.create(KEY)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await store.close()
