"""Chores run at their pace, none twice at once, a bounded number together, and a reload keeps their turns."""

import asyncio

from tests.builders import make_kit

from triplegate.core.clock import SetClock, SystemClock
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.upstreams.upkeep import Chore, Upkeep


def soon(low, high):
    """No jitter: the earliest."""
    return low


def chore(name, every, ran, gate=None):
    async def work():
        ran.append(name)
        if gate is not None:
            await gate.wait()

    return Chore(name, every, work)


class Kept:
    """An upkeep whose clock is set by hand."""

    def __init__(self, limit=1000):
        self.clock, self.supervisor = SetClock(), TaskSupervisor(limit)
        self.upkeep = Upkeep(self.supervisor, self.clock, soon)

    async def at(self, seconds):
        self.clock.advance(seconds)
        wait = self.upkeep._begin()
        for _ in range(3):
            await asyncio.sleep(0)
        return wait


async def test_each_runs_at_its_own_pace():
    kept, ran = Kept(), []
    kept.upkeep.keep([chore("often", 1.0, ran), chore("seldom", 10.0, ran)])
    await kept.at(0.01)
    assert sorted(ran) == ["often", "seldom"]
    for _ in range(5):
        await kept.at(1.0)
    assert ran.count("often") == 6
    assert ran.count("seldom") == 1


async def test_one_that_takes_long_is_not_begun_again_meanwhile():
    kept, ran, gate = Kept(), [], asyncio.Event()
    kept.upkeep.keep([chore("slow", 1.0, ran, gate)])
    for _ in range(5):
        await kept.at(1.0)
    assert ran == ["slow"]
    gate.set()
    await kept.at(0.0)
    await kept.at(1.0)
    assert ran == ["slow", "slow"]
    await kept.supervisor.close()


async def test_a_bounded_number_runs_at_once_and_the_others_follow():
    kept, ran, gate = Kept(), [], asyncio.Event()
    kept.upkeep.keep([chore(f"c{number}", 100.0, ran, gate) for number in range(100)])
    assert await kept.at(1.0) is None  # full: only an end can bring the next one
    assert len(ran) == 64
    gate.set()
    await kept.at(0.0)
    await kept.at(0.0)
    assert len(set(ran)) == 100


async def test_a_reload_keeps_the_turns_and_forgets_who_left():
    kept, ran = Kept(), []
    kept.upkeep.keep([chore("stays", 10.0, ran), chore("goes", 10.0, ran)])
    await kept.at(0.01)
    kept.upkeep.keep([chore("stays", 10.0, ran), chore("new", 10.0, ran)])
    await kept.at(0.01)
    assert sorted(ran) == ["goes", "new", "stays"]
    kept.upkeep.keep([chore("stays", 1.0, ran)])  # a faster pace is taken at once
    await kept.at(1.0)
    assert ran[-1] == "stays"


async def test_trouble_of_one_stops_nobody():
    kept, ran = Kept(), []

    async def fails():
        raise OSError("no")

    kept.upkeep.keep([Chore("bad", 1.0, fails), chore("good", 1.0, ran)])
    await kept.at(0.01)
    await kept.at(1.0)
    assert (kept.upkeep.failures, ran) == (2, ["good", "good"])


async def test_without_room_for_a_task_it_waits_for_its_next_turn():
    kept, ran = Kept(limit=0), []
    kept.upkeep.keep([chore("a", 1.0, ran)])
    await kept.at(0.01)
    assert ran == []
    kept.supervisor._limit = 5
    await kept.at(1.0)
    assert ran == ["a"]


async def test_the_loop_sleeps_until_something_is_due_and_wakes_for_a_change():
    supervisor, ran = TaskSupervisor(), []
    upkeep = Upkeep(supervisor, SystemClock(), soon)
    supervisor.spawn(upkeep.run(), "upkeep")
    await asyncio.sleep(0)
    upkeep.keep([chore("a", 0.02, ran)])
    async with asyncio.timeout(5):
        while len(ran) < 3:
            await asyncio.sleep(0.005)
    await supervisor.close()


def test_nothing_to_do_waits_for_a_change():
    assert Upkeep(make_kit().supervisor, SetClock())._begin() is None
