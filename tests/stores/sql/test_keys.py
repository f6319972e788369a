"""How keys lie in their table."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.keys import SqlKeyStore, names_of, names_text
from triplegate.stores.sql.tables import keys


@given(st.frozensets(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_set_of_names_comes_back_from_its_text(names: frozenset[str]) -> None:
    assert names_of(names_text(names)) == names


def test_the_text_of_a_set_has_one_form() -> None:
    assert names_text({"b", "a"}) == names_text(["a", "b"]) == '["a","b"]'


async def test_each_change_has_its_number(database: Database) -> None:
    store = SqlKeyStore(database)
    assert await store.changed(0) == (0, [])
    for name in ("a", "b"):
        await store.create(KeyRecord(name, b"d", "acme", "web", "ci"))
    await store.revoke("a", 5.0)
    number, found = await store.changed(2)
    assert (number, [(one.key_id, one.revoked) for one in found]) == (3, [("a", 5.0)])
    assert await store.changed(3) == (3, [])


async def test_a_number_from_another_database_reads_all(database: Database) -> None:
    store = SqlKeyStore(database)
    await store.create(KeyRecord("a", b"d", "acme", "web", "ci"))
    number, found = await store.changed(77)
    assert (number, len(found)) == (1, 1)


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE keys; --", '" OR 1=1 --', "\\'; SELECT pg_sleep(9)", "%", "Robert'); --"]
)
async def test_no_text_becomes_sql(database: Database, text: str) -> None:
    store = SqlKeyStore(database)
    record = KeyRecord(text, b"d", text, text, text, text, frozenset({text}), frozenset({text}), text)
    await store.create(record)
    assert await store.list(text) == [record]
    assert await store.list(text + "x") == []
    assert not await store.revoke(text + "x", 1.0)
    async with database.reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(keys)) == 1
