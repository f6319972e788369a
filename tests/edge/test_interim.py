"""What lasts is booked in parts that add up; what is short, over or not begun is left alone."""

import asyncio

from tests.builders import make_exchange, make_house

from triplegate.core.clock import SetClock
from triplegate.edge.interim import Interims
from triplegate.edge.live import Live


def entered(live, house, *, first_byte=1.0):
    exchange = make_exchange(house=house)
    exchange.numbers.first_byte = first_byte
    live.enter(object(), exchange)
    return exchange


async def test_only_what_is_under_way_for_a_whole_period_is_booked():
    clock, live = SetClock(), Live()
    house = make_house(clock)
    old, waiting = entered(live, house), entered(live, house, first_byte=0.0)
    clock.advance(50.0)
    young = entered(live, house)
    clock.advance(10.0)
    interims = Interims(live, clock, 60.0)
    await interims.look()
    await interims.look()
    booked = [(record.exchange, record.kind, record.part) for record in house.spool.records]
    assert booked == [(old.id, "interim", 0), (old.id, "interim", 1)]
    assert (waiting.parts, young.parts) == (0, 0)
    old.close("ok")
    await interims.look()
    assert [record.kind for record in house.spool.records] == ["interim", "interim", "final"]


async def test_it_looks_by_the_clock():
    live, house = Live(), make_house()
    entered(live, house)
    running = asyncio.ensure_future(Interims(live, house.clock, 0.005).run())
    house.clock.advance(1.0)
    async with asyncio.timeout(5):
        while len(house.spool.records) < 2:
            await asyncio.sleep(0.005)
    running.cancel()


async def test_thousands_do_not_hold_up_the_loop():
    clock, live, turns = SetClock(), Live(), 0
    house = make_house(clock)
    for _ in range(200):
        entered(live, house)
    clock.advance(60.0)

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await Interims(live, clock, 60.0).look()
    counting.cancel()
    assert turns >= 4
    assert len(house.spool.records) == 200
