"""Who is next, who gives way, and who may hardly wait."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.clock import SetClock
from triplegate.stores.memory.queues import BATCH, CRITICAL, DEFAULT, Fair, Fifo, Lanes, Ticket


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def ticket(loop, key="", priority=DEFAULT, since=0.0):
    return Ticket(loop.create_future(), since, key, priority)


def test_first_come_first_served_while_there_is_a_place(loop):
    queue, (a, b) = Fifo(), (ticket(loop), ticket(loop))
    queue.put(a)
    queue.put(b)
    assert queue.ahead(CRITICAL)
    assert queue.pop(1, 1) is None
    assert [queue.pop(0, 1), queue.pop(0, 1), queue.pop(0, 1)] == [a, b, None]
    queue.drop(a)
    assert queue.gives_way(b) is b


def test_a_free_place_goes_to_whom_has_the_fewest(loop):
    queue = Fair()
    for _ in range(3):
        queue.entered("a", 1)
    queue.entered("b", 1)
    noisy, quiet = [ticket(loop, "a") for _ in range(3)], ticket(loop, "b")
    for one in (*noisy, quiet):
        queue.put(one)
    assert queue.pop(4, 5) is quiet
    assert queue.pop(4, 5) is noisy[0]
    queue.left("b", 1)
    queue.left("b", 1)
    assert len(queue) == 2


def test_among_equals_turns_are_taken(loop):
    queue = Fair()
    for _ in range(3):
        for key in "abc":
            queue.put(ticket(loop, key))
    assert "".join(queue.pop(0, 9).key for _ in range(9)) == "abcabcabc"


def test_who_has_most_waiting_loses_its_newest_when_the_queue_is_full(loop):
    queue = Fair()
    noisy, quiet = [ticket(loop, "a") for _ in range(5)], ticket(loop, "b")
    for one in noisy:
        queue.put(one)
    assert queue.gives_way(quiet) is noisy[-1]
    last = ticket(loop, "a")
    assert queue.gives_way(last) is last


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_a_fair_queue_counts_itself_right(steps):
    loop = asyncio.new_event_loop()
    queue, waiting = Fair(), []
    for key, puts in steps:
        if puts:
            waiting.append(ticket(loop, key))
            queue.put(waiting[-1])
        elif waiting:
            gone = waiting.pop(0) if key == "a" else queue.pop(0, 1)
            queue.drop(gone)
            waiting = [one for one in waiting if one is not gone]
        assert len(queue) == len(waiting)
    loop.close()


def test_critical_calls_go_first_and_batch_last(loop):
    clock = SetClock()
    queue = Lanes(clock.now)
    batch, usual, critical = (ticket(loop, priority=one, since=clock.now()) for one in (BATCH, DEFAULT, CRITICAL))
    for one in (batch, usual, critical):
        queue.put(one)
    assert [queue.pop(0, 10) for _ in range(4)] == [critical, usual, batch, None]


def test_when_all_room_for_waiting_is_taken_the_lowest_and_oldest_gives_way(loop):
    queue = Lanes(SetClock().now)
    batch, usual, newer = ticket(loop, priority=BATCH), ticket(loop), ticket(loop)
    for one in (usual, newer, batch):
        queue.put(one)
    assert queue.gives_way(ticket(loop)) is batch
    queue.drop(batch)
    assert queue.gives_way(ticket(loop, priority=CRITICAL)) is usual
    assert queue.gives_way(ticket(loop)) is usual
    late = ticket(loop, priority=BATCH)
    assert queue.gives_way(late) is late


def test_under_pressure_the_newest_goes_first_and_nobody_waits_for_long(loop):
    clock = SetClock()
    queue = Lanes(clock.now)
    first, second = ticket(loop, since=clock.now()), ticket(loop, since=clock.now())
    queue.put(first)
    queue.put(second)
    assert queue.patience(0.1, DEFAULT) == 0.1
    assert not queue.pressed(DEFAULT)
    clock.advance(0.11)
    assert queue.pressed(DEFAULT)
    assert queue.patience(0.1, DEFAULT) == 0.005
    assert queue.pop(0, 1) is second
    assert queue.pop(0, 1) is first


def test_pressure_stays_while_more_than_a_few_are_turned_away_and_then_is_over(loop):
    clock = SetClock()
    queue = Lanes(clock.now)
    queue.put(ticket(loop, since=clock.now()))
    clock.advance(0.11)
    assert queue.pressed(DEFAULT)
    queue.pop(0, 1)
    for turned_away, pressed in ((5, True), (2, True), (1, False)):
        for number in range(10):
            queue.came(DEFAULT)
            if number < turned_away:
                queue.went(DEFAULT)
        clock.advance(0.11)
        assert queue.pressed(DEFAULT) is pressed


def test_while_one_priority_is_under_pressure_lower_ones_get_in_no_more_and_higher_ones_as_ever(loop):
    clock = SetClock()
    queue = Lanes(clock.now)
    queue.put(ticket(loop, since=clock.now()))
    clock.advance(0.11)
    assert [queue.patience(0.1, priority) for priority in (CRITICAL, DEFAULT, BATCH)] == [0.1, 0.005, 0.0]
    assert [queue.bound(10, priority) for priority in (CRITICAL, DEFAULT, BATCH)] == [10, 10, 0]


def test_places_are_kept_for_critical_calls_as_far_as_they_were_needed_of_late():
    clock = SetClock()
    queue = Lanes(clock.now)
    assert queue.bound(20, DEFAULT) == 20, "nobody critical was ever here"
    queue.entered("", CRITICAL)
    queue.left("", CRITICAL)
    assert queue.bound(20, DEFAULT) == 18
    for _ in range(9):
        queue.entered("", CRITICAL)
    assert queue.bound(20, BATCH) == 20, "they are inside already"
    for _ in range(9):
        queue.left("", CRITICAL)
    assert queue.bound(20, DEFAULT) == 16, "a fifth at most"
    assert queue.bound(20, CRITICAL) == 20
    clock.advance(11)
    assert queue.bound(20, DEFAULT) == 16
    clock.advance(11)
    assert queue.bound(20, DEFAULT) == 20
