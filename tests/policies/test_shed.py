"""Under overload what matters least is refused first, and soon."""

import asyncio
import time

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange, make_house, make_kit

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.policies.shed import Shed
from triplegate.stores.memory.queues import BATCH, CRITICAL, DEFAULT
from triplegate.stores.memory.room import Room

HOUSE = make_house(SystemClock())


async def forward(exchange):
    exchange.numbers.dispatched = exchange.numbers.upstream_head = HOUSE.clock.now()
    return Reply(200, [], OneFrame(b"ok"))


class Crowd:
    """Calls of several priorities through one step."""

    def __init__(self, **fields):
        self.kit = make_kit(clock=SystemClock())
        self.step = Shed(**fields).build(self.kit)
        self.inside, self.refused, self.tasks = [], [], []

    async def come(self, *priorities):
        for priority in priorities:
            self.tasks.append(asyncio.ensure_future(self._call(priority)))
            for _ in range(3):
                await asyncio.sleep(0)

    async def _call(self, priority):
        exchange = make_exchange(house=HOUSE)
        exchange.priority = priority
        try:
            await self.step(exchange, forward)
        except Refusal as refusal:
            self.refused.append((priority, refusal))
        else:
            self.inside.append((priority, exchange))

    async def leave(self):
        self.inside.pop(0)[1].close("ok")
        for _ in range(5):
            await asyncio.sleep(0)

    async def settled(self):
        await asyncio.wait_for(asyncio.gather(*self.tasks), 5)


async def test_a_free_place_goes_to_the_highest_priority():
    crowd = Crowd(at_once=1, longest="10s")
    await crowd.come(DEFAULT, BATCH, DEFAULT, CRITICAL)
    for _ in range(4):
        await crowd.leave()
    assert crowd.inside == []
    await crowd.settled()
    assert crowd.refused == []


async def test_a_full_queue_sheds_batch_first_and_critical_last():
    crowd = Crowd(at_once=1, queue=2, longest="10s")
    await crowd.come(DEFAULT, BATCH, DEFAULT, CRITICAL, CRITICAL)
    assert [priority for priority, _ in crowd.refused] == [BATCH, DEFAULT]
    await crowd.come(BATCH)
    assert [priority for priority, _ in crowd.refused] == [BATCH, DEFAULT, BATCH]
    for _ in range(3):
        await crowd.leave()
    await crowd.settled()


async def test_what_cannot_be_served_in_time_is_refused_with_a_reason_a_wait_and_a_word_to_gateways():
    crowd = Crowd(at_once=1, target="5ms", longest="20ms")
    await crowd.come(DEFAULT, DEFAULT)
    await crowd.settled()
    ((_, refusal),) = crowd.refused
    assert (refusal.code, refusal.status, refusal.retry_after, refusal.policy) == ("overloaded", 503, 1.0, "shed")
    assert (b"x-triplegate-no-retry", b"1") in refusal.headers


async def test_once_the_queue_has_not_been_empty_for_long_nobody_waits_for_more_than_the_target():
    crowd = Crowd(at_once=1, target="1ms", longest="50ms")
    room = crowd.kit.state(Room, "shed|shed", Room)
    await crowd.come(DEFAULT)
    for _ in range(8):  # somebody always waits
        await crowd.come(DEFAULT)
        await asyncio.sleep(0.02)
    room.queue.longest = 0.05
    await crowd.come(DEFAULT)
    began = time.monotonic()
    await asyncio.wait_for(crowd.tasks[-1], 5)
    assert crowd.refused
    assert time.monotonic() - began < 2
    await crowd.settled()


async def test_places_that_critical_calls_used_of_late_are_kept_for_them():
    crowd = Crowd(at_once=10, reserve=0.2, longest="10ms")
    await crowd.come(CRITICAL)
    await crowd.leave()
    await crowd.come(*[DEFAULT] * 10)
    assert len(crowd.inside) == 8
    await crowd.come(CRITICAL, CRITICAL)
    assert len(crowd.inside) == 10
    await crowd.settled()


async def test_refusing_costs_next_to_nothing():
    crowd = Crowd(at_once=1, queue=1, longest="10s")
    await crowd.come(DEFAULT, CRITICAL)
    began = time.process_time()
    for _ in range(500):
        await crowd._call(BATCH)
    assert (time.process_time() - began) / 500 < 0.01, "some 0.1 ms on a machine of its own"
    await crowd.leave()
    await crowd.settled()


async def test_without_a_number_it_finds_its_own():
    crowd = Crowd(queue=1, longest="10ms")
    await crowd.come(*[DEFAULT] * 22)
    await crowd.settled()
    assert 20 <= len(crowd.inside) <= 22


async def test_observing_refuses_nobody_and_says_so():
    crowd = Crowd(at_once=1, queue=1, mode="observe")
    await crowd.come(DEFAULT, DEFAULT, DEFAULT)
    assert [exchange.decisions for _, exchange in crowd.inside] == [[], [], [("shed", "would refuse", "overloaded")]]


@pytest.mark.parametrize(
    "fields", [{"at_once": 0}, {"reserve": 1}, {"target": "1s", "longest": "5ms"}, {"queue": 0}, {"longest": "0s"}]
)
def test_what_would_shed_all_or_nothing_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Shed(**fields)
