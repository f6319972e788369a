"""So many at once, so many more in line, and nobody beyond; a turn that nobody takes goes to the next."""

import asyncio

import pytest

from triplegate.stores.verdicts.turns import Full, Turns


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_come_first_served_within_bounds():
    turns, came = Turns(), []

    async def one(name):
        await turns.enter(1, 2)
        came.append(name)

    await turns.enter(1, 2)
    waiting = [asyncio.ensure_future(one(name)) for name in "ab"]
    await settle()
    with pytest.raises(Full):
        await turns.enter(1, 2)
    turns.leave()
    await settle()
    assert came == ["a"]
    turns.leave()
    await settle()
    assert came == ["a", "b"]
    turns.leave()
    await asyncio.gather(*waiting)
    await turns.enter(1, 0)


async def test_who_gives_up_leaves_no_gap():
    turns = Turns()
    await turns.enter(1, 2)
    first, second = [asyncio.ensure_future(turns.enter(1, 2)) for _ in range(2)]
    await settle()
    first.cancel()
    await settle()
    turns.leave()
    await second
    turns.leave()
    await turns.enter(1, 0)


async def test_a_turn_handed_to_who_is_gone_goes_on():
    turns = Turns()
    await turns.enter(1, 2)
    first, second = [asyncio.ensure_future(turns.enter(1, 2)) for _ in range(2)]
    await settle()
    turns.leave()
    first.cancel()  # it has the turn, but did not run yet
    await second
    assert first.cancelled()
    turns.leave()
    await turns.enter(1, 0)
