"""Watches see events from the inside out; what an inner one held back passes the outer ones at the end."""

import asyncio

import pytest

from triplegate.core.watching import Watched, watched_of


class Holding:
    """Marks what passes, and holds back the last event until the end."""

    def __init__(self, mark):
        self.mark, self.held, self.judged = mark, [], None
        self.late = None

    def feed(self, events):
        now = [*self.held, *[event + self.mark for event in events]]
        self.held = now[-1:]
        return now[:-1]

    async def judge(self):
        if self.late is not None:
            await self.late.wait()
        self.judged = list(self.held)

    def finish(self):
        return self.held


def look(mark, made, *, changes=True):
    def make():
        made.append(Holding(mark))
        return made[-1]

    make.changes = changes
    return make


async def test_the_innermost_sees_first_and_all_of_it_reaches_the_client_in_order():
    made = []
    watched = Watched([look("o", made), look("i", made)])
    told = watched.feed(["1", "2", "3", "4"])
    told += await watched.end()
    assert told == ["1io", "2io", "3io", "4io"]
    assert await watched.end() == []


async def test_whoever_judges_has_seen_all_that_those_inside_of_it_held_back():
    made = []
    watched = Watched([look("a", made), look("b", made)])
    watched.feed(["1"])
    await watched.end()
    assert [one.judged for one in made] == [["1b"], ["1ba"]]


async def test_whoever_gave_up_waiting_for_a_verdict_may_wait_again():
    made = []
    watched = Watched([look("a", made), look("b", made)])
    told = watched.feed(["1", "2", "3"])
    made[1].late = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await watched.end()
    made[1].late.set()
    told += await watched.end()
    assert told == ["1ba", "2ba", "3ba"]


def test_an_answer_is_written_anew_only_where_somebody_may_change_it():
    made = []
    assert not Watched([look("a", made, changes=False)]).changes
    assert Watched([look("a", made, changes=False), look("b", made)]).changes


def test_nobody_looks_where_nobody_asked_to():
    assert watched_of(None) is None
    assert watched_of([]) is None
