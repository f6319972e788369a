"""Who joins an answer under way hears all of it; one that breaks off before its first content is nobody's answer."""

import asyncio

import pytest

from triplegate.core.errors import Refusal
from triplegate.stores.answers.flights import Flights, Following, Recorder
from triplegate.wire.neutral_events import BlockStart, Delta, Finish, Start

TOLD = [Start("a"), BlockStart(0, "text"), Delta(0, "It is"), Delta(0, " far"), Finish("stop")]


async def heard(following):
    found = []
    while more := await following.next():
        found += more
    return found


async def test_whoever_joins_late_hears_it_from_the_first_event_on():
    flights = Flights()
    flight = flights.lead(b"k")
    kept = []
    recorder = Recorder(flight, 100, kept.append)
    early = asyncio.create_task(heard(Following(flights.find(b"k"))))
    for event in TOLD[:4]:
        assert recorder.feed([event]) == [event]
    late = asyncio.create_task(heard(Following(flights.find(b"k"))))
    await asyncio.sleep(0)
    recorder.feed(TOLD[4:])
    recorder.finish()
    async with asyncio.timeout(5):
        assert await early == await late == TOLD
    assert kept == [TOLD]


async def test_an_attempt_that_failed_before_its_first_content_is_not_heard():
    flight = Flights().lead(b"k")
    Recorder(flight, 100, list).feed(TOLD[:2])
    second = Recorder(flight, 100, list)
    second.feed([Start("b"), *TOLD[1:]])
    second.finish()
    assert await heard(Following(flight)) == [Start("b"), *TOLD[1:]]


async def test_of_two_attempts_at_once_one_is_heard():
    flight = Flights().lead(b"k")
    first, second = Recorder(flight, 100, list), Recorder(flight, 100, list)
    first.feed(TOLD[:3])
    second.feed(TOLD)
    second.finish()
    assert not flight.done
    first.feed(TOLD[3:])
    first.finish()
    assert await heard(Following(flight)) == TOLD


async def test_an_answer_that_breaks_off_says_so_to_all():
    flights = Flights()
    flight = flights.lead(b"k")
    Recorder(flight, 100, list).feed(TOLD[:3])
    following = Following(flight)
    assert await following.begun()
    flights.end(b"k", flight)
    assert await following.next() == TOLD[:3]
    with pytest.raises(Refusal, match="upstream_reset"):
        await following.next()


async def test_without_a_first_event_there_is_nothing_to_follow():
    flights = Flights()
    flight = flights.lead(b"k")
    begun = asyncio.create_task(Following(flight).begun())
    await asyncio.sleep(0)
    flights.end(b"k", flight)
    assert not await begun
    assert flights.find(b"k") is None
    assert flights.lead(b"k") is not None


def test_what_is_too_large_is_told_on_but_neither_joined_nor_kept():
    flights = Flights()
    flight = flights.lead(b"k")
    kept = []
    recorder = Recorder(flight, 4, kept.append)
    recorder.feed(TOLD)
    assert flights.find(b"k") is None
    recorder.finish()
    assert kept == [None]


def test_only_so_many_lead_at_once():
    flights = Flights()
    led = [flights.lead(b"%d" % number) for number in range(1025)]
    assert led.count(None) == 1
    assert flights.lead(b"1") is None
    assert len(flights) == 1024
