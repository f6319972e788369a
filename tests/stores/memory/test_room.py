"""Never more inside than the bound, whoever leaves lets the next in, and nobody is let in twice or lost."""

import asyncio

import pytest

from triplegate.core.clock import SystemClock
from triplegate.stores.memory.queues import Fifo, Lanes
from triplegate.stores.memory.room import Room, Rooms


def room(queue=None):
    return Room(SystemClock.now, Fifo() if queue is None else queue)


async def turn():
    for _ in range(3):
        await asyncio.sleep(0)


async def test_so_many_go_in_and_the_next_comes_in_when_one_leaves():
    here = room()
    assert [here.enter(2, "", 1) for _ in range(3)] == [True, True, False]
    waiting = asyncio.ensure_future(here.wait("", 1, 5, 5.0))
    await turn()
    assert not here.enter(2, "", 1), "a newcomer does not pass those who wait"
    here.leave("", 1)
    assert await waiting
    assert here.inside == 2


async def test_a_full_queue_and_a_lapsed_wait_turn_away():
    here = room()
    here.enter(1, "", 1)
    assert not await here.wait("", 1, 0, 5.0)
    waiting = asyncio.ensure_future(here.wait("", 1, 1, 5.0))
    await turn()
    assert not await here.wait("", 1, 1, 5.0)
    here.leave("", 1)
    assert await waiting
    assert not await here.wait("", 1, 1, 0.02)
    assert not await here.wait("", 1, 1, 0.0)
    assert (here.inside, here.refused, len(here.queue)) == (1, 4, 0)


async def test_one_that_is_cancelled_while_it_waits_leaves_nothing_behind():
    here = room()
    here.enter(1, "", 1)
    waiting = asyncio.ensure_future(here.wait("", 1, 5, 5.0))
    await turn()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(here.queue) == 0
    here.leave("", 1)
    assert here.inside == 0


async def test_a_place_given_to_one_that_is_cancelled_at_that_moment_goes_to_the_next():
    here = room()
    here.enter(1, "", 1)
    first, second = (asyncio.ensure_future(here.wait("", 1, 5, 5.0)) for _ in range(2))
    await turn()
    here.leave("", 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await asyncio.wait_for(second, 5)
    assert here.inside == 1


async def test_one_whose_time_is_over_this_very_moment_is_passed_over():
    here = room()
    here.enter(1, "", 1)
    first, second = (asyncio.ensure_future(here.wait("", 1, 5, 5.0)) for _ in range(2))
    await turn()
    next(iter(here.queue._line)).refuse()
    here.leave("", 1)
    assert [await first, await second] == [False, True]


async def test_who_gives_way_is_told_at_once():
    here = room(Lanes(SystemClock.now))
    here.enter(1, "", 1)
    batch = asyncio.ensure_future(here.wait("", 2, 1, 5.0))
    await turn()
    critical = asyncio.ensure_future(here.wait("", 0, 1, 5.0))
    assert not await batch
    here.leave("", 1)
    assert await critical


async def test_a_raised_bound_lets_those_in_who_wait():
    here = room()
    here.enter(1, "", 1)
    waiting = asyncio.ensure_future(here.wait("", 1, 5, 5.0))
    await turn()
    assert here.enter(5, "", 1)
    assert await waiting
    assert here.inside == 3


async def test_rooms_that_nobody_is_in_are_forgotten_when_there_are_many():
    rooms = Rooms(SystemClock.now, Fifo)
    for number in range(3_000):
        assert rooms.room(f"team{number}").enter(1, "", 1)
    assert len(rooms) == 3_000, "somebody is in each"
    assert rooms.totals() == (3_000, 0)
    for number in range(3_000):
        rooms.room(f"team{number}").leave("", 1)
    for number in range(100_000):
        here = rooms.room(f"other{number}")
        here.enter(1, "", 1)
        here.leave("", 1)
        assert len(rooms) <= 5_200
    assert rooms.totals() == (0, 0)
