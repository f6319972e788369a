"""Numbers of changes: in their order, without gaps."""

import asyncio

from triplegate.stores.sql.changes import raise_number, read_number
from triplegate.stores.sql.engine import Database


async def test_numbers_count_from_one_each_subject_for_itself(database: Database) -> None:
    async with database.writing() as connection:
        assert await read_number(connection, "keys") == 0
        assert [await raise_number(database, connection, "keys") for _ in range(3)] == [1, 2, 3]
        assert await raise_number(database, connection, "audit") == 1
        assert await read_number(connection, "keys") == 3


async def test_a_number_whose_change_failed_is_given_again(database: Database) -> None:
    async def change(*, fail: bool) -> int:
        async with database.writing() as connection:
            number = await raise_number(database, connection, "keys")
            if fail:
                raise ZeroDivisionError
            return number

    assert await change(fail=False) == 1
    assert [type(one) for one in await asyncio.gather(change(fail=True), return_exceptions=True)] == [ZeroDivisionError]
    assert await change(fail=False) == 2


async def test_changes_at_once_get_numbers_of_their_own(database: Database) -> None:
    async def change() -> int:
        async with database.writing() as connection:
            return await raise_number(database, connection, "keys")

    assert sorted(await asyncio.gather(*[change() for _ in range(6)])) == [1, 2, 3, 4, 5, 6]
