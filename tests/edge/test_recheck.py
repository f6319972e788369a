"""Whoever may no longer be here is told so; nobody else notices that he was asked about."""

import asyncio

from tests.builders import make_exchange

from triplegate.core.errors import Refusal
from triplegate.edge.live import Live
from triplegate.edge.recheck import Rechecks


class Wire:
    def __init__(self):
        self.dismissed = []

    def dismiss(self, refusal):
        self.dismissed.append(refusal.code)


def lasting(live, **numbers):
    exchange, wire = make_exchange(), Wire()
    exchange.numbers.streamed, exchange.numbers.first_byte = True, 1.0
    for name, value in numbers.items():
        setattr(exchange.numbers, name, value)
    live.enter(wire, exchange)
    return exchange, wire


async def test_only_what_lasts_and_may_not_go_on_is_ended():
    live, asked = Live(), []
    gone, revoked = lasting(live)
    stays, kept = lasting(live)
    _, plain = lasting(live, streamed=False)
    _, opening = lasting(live, first_byte=0.0)

    async def check(exchange):
        asked.append(exchange)
        if exchange is gone:
            raise Refusal("invalid_credentials")

    rechecks = Rechecks(live, check, 60.0)
    await rechecks.look()
    assert asked == [gone, stays]
    assert [wire.dismissed for wire in (revoked, kept, plain, opening)] == [["invalid_credentials"], [], [], []]
    assert (gone.refusal.code, stays.refusal, rechecks.ended) == ("invalid_credentials", None, 1)


async def test_what_cannot_be_answered_is_not_a_yes(capfd):
    live = Live()
    _, wire = lasting(live)

    async def check(exchange):
        raise ValueError("unforeseen")

    await Rechecks(live, check, 60.0).look()
    assert wire.dismissed == ["internal"]


async def test_one_that_ended_meanwhile_is_left_alone():
    live = Live()
    exchange, wire = lasting(live)

    async def check(exchange):
        exchange.close("ok")
        raise Refusal("forbidden")

    await Rechecks(live, check, 60.0).look()
    assert (wire.dismissed, exchange.outcome) == ([], "ok")


async def test_it_looks_by_the_clock_and_at_once_when_asked():
    live, asked = Live(), asyncio.Event()
    lasting(live)

    async def check(exchange):
        asked.set()

    for interval, ask in ((0.01, False), (600.0, True)):
        asked.clear()
        rechecks = Rechecks(live, check, interval)
        running = asyncio.ensure_future(rechecks.run())
        if ask:
            rechecks.ask()
        async with asyncio.timeout(5):
            await asked.wait()
        running.cancel()


async def test_thousands_do_not_hold_up_the_loop():
    live, turns = Live(), 0
    for _ in range(200):
        lasting(live)

    async def check(exchange):
        pass

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await Rechecks(live, check, 60.0).look()
    counting.cancel()
    assert turns >= 4
