"""Tokens of the control plane: kept as digests, spent once."""

import asyncio

import pytest

from triplegate.control.view import AdminToken
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tokens import SqlTokenStore

TOKEN = AdminToken(
    "id1", b"\x00digest\xff", "ops \N{SNOWMAN}", frozenset({"admin", "auditor"}), "acme", "web", True, 5.0, 905.0
)


@pytest.fixture
def store(database: Database) -> SqlTokenStore[AdminToken]:
    return SqlTokenStore(database, AdminToken)


async def test_a_token_comes_back_as_it_was_kept(store: SqlTokenStore[AdminToken]) -> None:
    await store.create(TOKEN)
    assert await store.find("id1") == TOKEN
    assert await store.list() == [TOKEN]
    assert await store.find("other") is None


async def test_an_id_is_given_once(store: SqlTokenStore[AdminToken]) -> None:
    await store.create(TOKEN)
    with pytest.raises(ValueError, match="exists already"):
        await store.create(TOKEN)


async def test_of_many_who_spend_a_token_at_once_one_does(store: SqlTokenStore[AdminToken]) -> None:
    await store.create(TOKEN)
    spent = await asyncio.gather(*[store.revoke("id1", 10.0) for _ in range(5)])
    assert sorted(spent) == [False] * 4 + [True]
    found = await store.find("id1")
    assert found is not None
    assert found.revoked == 10.0
    assert not await store.revoke("other", 10.0)
