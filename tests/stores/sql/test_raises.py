"""A raise that one worker keeps is in force in the others, and gone when it is over."""

import asyncio

from triplegate.core.clock import SetClock
from triplegate.core.raises import Raise
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.raises import SqlRaises


async def test_every_worker_is_told_of_those_that_are_not_over(database: Database) -> None:
    clock = SetClock()
    here, there = SqlRaises(database, clock), SqlRaises(database, clock)
    told: list[list[Raise]] = []
    there.on_news.append(told.append)
    await there.refresh()
    now = clock.wall()
    long, short = Raise("r1", "web", 2**53, now + 60, "launch", "ann", now), Raise("r2", "web", 5, now + 5, "", "", now)
    await here.add(long)
    await here.add(short)
    await there.refresh()
    await there.refresh()
    assert told == [[], [long, short]]
    clock.advance(10.0)
    fresh = SqlRaises(database, clock)
    fresh.on_news.append(told.append)
    await fresh.refresh()
    assert told[-1] == [long]


async def test_it_looks_by_itself(database: Database) -> None:
    clock = SetClock()
    here, there = SqlRaises(database, clock), SqlRaises(database, clock)
    seen = asyncio.Event()
    there.on_news.append(lambda found: seen.set() if found else None)
    following = asyncio.ensure_future(there.follow(0.01))
    await here.add(Raise("r1", "web", 5, clock.wall() + 60))
    async with asyncio.timeout(5):
        await seen.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
