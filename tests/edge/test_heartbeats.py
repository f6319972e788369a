"""Holds of what lasts are prolonged and grow; what is short, over or holds nothing is left alone."""

import asyncio

from tests.builders import make_exchange, make_house

from triplegate.core.admission import Claim, Limit, Taker
from triplegate.core.calendar import Calendar
from triplegate.core.clock import SetClock
from triplegate.edge.heartbeats import Heartbeats
from triplegate.edge.live import Live
from triplegate.stores.memory.admission import MemoryAdmission

BUDGET = Limit("team", "budget", "money", 1_000, Calendar("month"))


class Budget:
    def claims(self, exchange, target):
        return [Claim("team", BUDGET, 100)]


class Street:
    """Calls that are under way, with one budget."""

    def __init__(self):
        self.clock, self.live = SetClock(), Live()
        self.house, self.store = make_house(self.clock), MemoryAdmission(self.clock)
        self.heartbeats = Heartbeats(self.live, self.clock, 40.0)

    async def enter(self, *claimants):
        exchange = make_exchange(house=self.house)
        exchange.admission = Taker(self.store, claimants, exchange)
        await exchange.admission.take(None)
        self.live.enter(object(), exchange)
        return exchange

    async def left(self):
        (standing,) = await self.store.peek((Claim("team", BUDGET),))
        return standing.remaining


async def test_a_hold_lives_as_long_as_its_call_and_no_longer():
    street = Street()
    exchange = await street.enter(Budget())
    for _ in range(20):
        street.clock.advance(20.0)
        await street.heartbeats.look()
        assert await street.left() == 900
    assert street.heartbeats.beats == 10, "one each time two thirds of a hold's life have yet to come"
    exchange.close("ok")
    street.clock.advance(40.0)
    await street.heartbeats.look()
    assert (street.heartbeats.beats, await street.left()) == (10, 1_000)


async def test_without_a_heartbeat_the_money_is_free_again():
    street = Street()
    await street.enter(Budget())
    street.clock.advance(121.0)
    assert await street.left() == 1_000


async def test_it_grows_to_what_was_counted_and_says_when_that_does_not_fit():
    street = Street()
    exchange = await street.enter(Budget())
    exchange.admission.counted = lambda: {"money": 600}
    street.clock.advance(40.0)
    await street.heartbeats.look()
    assert await street.left() == 400
    exchange.admission.counted = lambda: {"money": 6_000}
    street.clock.advance(40.0)
    await street.heartbeats.look()
    assert (await street.left(), street.heartbeats.refused) == (400, 1)
    exchange.admission.counted = None
    exchange.numbers.own_cost = 700
    street.clock.advance(40.0)
    await street.heartbeats.look()
    assert await street.left() == 300


async def test_what_holds_nothing_costs_nothing():
    street = Street()
    await street.enter()
    street.live.enter(object(), make_exchange(house=street.house))
    street.clock.advance(400.0)
    await street.heartbeats.look()
    assert street.heartbeats.beats == 0


async def test_it_looks_by_the_clock():
    street = Street()
    exchange = await street.enter(Budget())
    running = asyncio.ensure_future(Heartbeats(street.live, street.clock, 0.01).run())
    street.clock.advance(1.0)
    async with asyncio.timeout(5):
        while exchange.admission.beaten < street.clock.now():
            await asyncio.sleep(0.005)
    running.cancel()
