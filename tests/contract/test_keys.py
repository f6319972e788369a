"""Keys: created, listed, revoked; every worker knows within seconds, and a look-up never asks the database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.core.clock import SetClock
from triplegate.core.identity import KeyRecord, digest_key, new_key
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.key_index import POLL_SECONDS, KeyIndex
from triplegate.stores.sql.keys import SqlKeyStore

PEPPER = b"p" * 32


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(await url_of(request.param, request, tmp_path)) as database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlKeyStore:
    return SqlKeyStore(database)


def index_of(database: Database) -> KeyIndex:
    """What another worker has: its own memory over the same database."""
    return KeyIndex(SqlKeyStore(database), SetClock())


def make(team: str = "web", created: float = 1.0) -> tuple[str, KeyRecord]:
    key, key_id = new_key("test")
    record = KeyRecord(
        key_id,
        digest_key(PEPPER, key),
        "acme",
        team,
        "ci",
        "free",
        frozenset({"developer", "a b"}),
        frozenset({"read", "write"}),
        "build \N{SNOWMAN}",
        created,
        2e9,
    )
    return key, record


async def at_most(seconds: float, work: Awaitable[None]) -> None:
    await asyncio.wait_for(work, seconds)


async def test_a_key_comes_back_as_it_was_kept(store: SqlKeyStore) -> None:
    _, record = make()
    await store.create(record)
    assert await store.list() == [record]


async def test_keys_of_one_team_oldest_first(store: SqlKeyStore) -> None:
    records = [make(team, created)[1] for team, created in (("web", 3.0), ("ops", 2.0), ("web", 1.0))]
    for record in records:
        await store.create(record)
    assert await store.list("web") == [records[2], records[0]]
    assert await store.list() == [records[2], records[1], records[0]]
    assert await store.list("none") == []


async def test_an_id_is_given_once(store: SqlKeyStore) -> None:
    _, record = make()
    await store.create(record)
    with pytest.raises(ValueError, match="exists already"):
        await store.create(record)


async def test_a_key_is_revoked_once(store: SqlKeyStore) -> None:
    _, record = make()
    await store.create(record)
    assert sorted(await asyncio.gather(*[store.revoke(record.key_id, 100.0 + n) for n in range(3)])) == [
        False,
        False,
        True,
    ]
    [found] = await store.list()
    assert found.revoked in {100.0, 101.0, 102.0}
    assert not await store.revoke("unknown", 5.0)


async def test_another_worker_sees_a_new_and_a_revoked_key_within_the_poll(database: Database) -> None:
    mine, theirs = index_of(database), index_of(database)
    await mine.refresh()
    following = asyncio.create_task(mine.follow(every=0.005))
    _, record = make()
    await theirs.create(record)

    async def known(*, revoked: bool) -> None:
        while (found := mine.find(record.key_id)) is None or (found.revoked is not None) != revoked:
            await asyncio.sleep(0.001)

    await at_most(5, known(revoked=False))
    await theirs.revoke(record.key_id, 9.0)
    await at_most(5, known(revoked=True))
    following.cancel()
    assert POLL_SECONDS * 2 < 5, "revocation reaches every worker in less than 5 s"


async def test_the_worker_that_changes_a_key_knows_at_once(database: Database) -> None:
    index = index_of(database)
    _, record = make()
    await index.create(record)
    assert index.find(record.key_id) == record
    assert await index.revoke(record.key_id, 9.0)
    found = index.find(record.key_id)
    assert found is not None
    assert found.revoked == 9.0


async def test_only_what_changed_is_read_again(database: Database) -> None:
    index, other = index_of(database), SqlKeyStore(database)
    records = [make()[1] for _ in range(5)]
    for record in records:
        await other.create(record)
    assert await index.refresh()
    before = [index.find(record.key_id) for record in records]
    await other.revoke(records[2].key_id, 9.0)
    assert await index.refresh()
    after = [index.find(record.key_id) for record in records]
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, True, False, True, True]
    assert not await index.refresh()


async def test_changes_made_at_once_on_many_connections_are_all_seen(database: Database) -> None:
    index = index_of(database)
    records = [make()[1] for _ in range(20)]

    async def watch() -> None:
        while len(index) < len(records):
            await index.refresh()
            await asyncio.sleep(0)

    watching = asyncio.create_task(at_most(20, watch()))
    limit = asyncio.Semaphore(4)

    async def create(record: KeyRecord) -> None:
        async with limit:
            await SqlKeyStore(database).create(record)

    await asyncio.gather(*[create(record) for record in records])
    await watching
    assert all(index.find(record.key_id) == record for record in records)


async def test_no_table_holds_a_usable_key(database: Database, store: SqlKeyStore) -> None:
    key, record = make()
    await store.create(record)
    async with database.reading() as connection:
        [row] = await connection.execute(sa.text("SELECT * FROM keys"))
    secret = key.split("_")[3][:43]
    assert all(secret not in str(value) and secret.encode() not in bytes(str(value), "utf-8") for value in row)
    assert row.digest == digest_key(PEPPER, key)
