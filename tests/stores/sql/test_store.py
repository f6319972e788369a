"""All that is durable, opened once: what is missing at the start is waited for, or tried again later."""

import asyncio
from pathlib import Path

import pytest
from tests.stores.ledger_records import record

from triplegate.control.view import AdminToken
from triplegate.core.clock import SetClock
from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.store import SqlStore

KEY = KeyRecord("a", b"d", "acme", "web", "ci")


def store_at(url: str) -> SqlStore[AdminToken]:
    return SqlStore(url, SetClock(), AdminToken)


async def test_a_fresh_database_is_ready_after_open(url: str) -> None:
    store = store_at(url)
    await store.open()
    assert await store.ledger.write([record()]) == 1
    await store.index.create(KEY)
    assert await store.tokens.list() == []
    await store.close()


async def test_a_second_start_knows_the_keys_of_the_first(url: str) -> None:
    first, second = store_at(url), store_at(url)
    await first.open()
    await first.index.create(KEY)
    await second.open()
    assert second.index.find("a") == KEY
    await first.close()
    await second.close()


async def test_what_is_required_and_not_there_is_said_after_the_wait(tmp_path: Path) -> None:
    store = store_at(f"sqlite:///{tmp_path}/no/ledger.db")
    with pytest.raises(DatabaseUnavailable, match="Make the directory"):
        await store.open(within=0.0)
    assert "Make the directory" in store.failure
    await store.close()


async def test_what_comes_within_the_wait_is_taken(tmp_path: Path) -> None:
    store = store_at(f"sqlite:///{tmp_path}/late/ledger.db")
    opening = asyncio.create_task(store.open(within=20.0))
    async with asyncio.timeout(20):
        while not store.failure:
            await asyncio.sleep(0.005)
        (tmp_path / "late").mkdir()
        await opening
    assert store.failure == ""
    await store.close()


async def test_what_is_not_required_may_come_later(tmp_path: Path) -> None:
    store = store_at(f"sqlite:///{tmp_path}/late/ledger.db")
    await store.open(required=False)
    assert store.failure
    (tmp_path / "late").mkdir()
    following = asyncio.create_task(store.follow())
    async with asyncio.timeout(20):
        while store.failure:
            await asyncio.sleep(0.01)
    following.cancel()
    assert await store.ledger.write([record()]) == 1
    await store.close()
