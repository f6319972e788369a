"""What one node does now and then is done by one only."""

import asyncio

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.turns import my_turn


async def test_one_of_many_has_its_turn_and_the_next_one_later(database: Database) -> None:
    answers = await asyncio.gather(*[my_turn(database, "work", 1000.0, 60.0) for _ in range(5)])
    assert sorted(answers) == [False] * 4 + [True]
    assert not await my_turn(database, "work", 1059.0, 60.0)
    assert await my_turn(database, "other", 1059.0, 60.0)
    assert await my_turn(database, "work", 1060.0, 60.0)
