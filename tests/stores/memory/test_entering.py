"""A call that was let in leaves exactly once, however it ends; one that was not is told so in time."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.builders import make_exchange, make_house, make_kit

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.gradient import Gradient, GradientRules
from triplegate.core.http import OneFrame, Reply
from triplegate.stores.memory.entering import Door, entering, measured
from triplegate.stores.memory.queues import Fifo
from triplegate.stores.memory.room import Room

HOUSE = make_house(SystemClock())


def made(*, limit=1, queue=0, wait=1.0, enforce=True, offline=False):
    kit = make_kit(clock=SystemClock(), offline=offline)
    room = Room(kit.clock.now, Fifo())
    door = Door("label", enforce, queue, wait, "overloaded", "Full.")
    return room, entering(kit, door, lambda: limit, lambda _: room, lambda _: "")


async def ok(exchange):
    return Reply(200, [], OneFrame(b"ok"))


async def test_a_call_is_inside_until_its_exchange_closes():
    room, step = made()
    exchange = make_exchange(house=HOUSE)
    assert (await step(exchange, ok)).status == 200
    assert room.inside == 1
    exchange.close("ok")
    exchange.close("ok")
    assert room.inside == 0


@pytest.mark.parametrize("error", [Refusal("upstream_reset"), RuntimeError("bug"), asyncio.CancelledError()])
async def test_one_that_fails_leaves_as_well(error):
    async def fails(exchange):
        raise error

    room, step = made()
    exchange = make_exchange(house=HOUSE)
    with pytest.raises(type(error)):
        await step(exchange, fails)
    exchange.close("failed")
    assert room.inside == 0


async def test_one_that_finds_no_place_is_refused_and_may_not_be_tried_again():
    room, step = made()
    await step(make_exchange(house=HOUSE), ok)
    refused = make_exchange(house=HOUSE)
    with pytest.raises(Refusal, match="overloaded") as caught:
        await step(refused, ok)
    refused.close("refused")
    assert (caught.value.policy, caught.value.retry_after) == ("label", 1.0)
    assert (b"x-triplegate-no-retry", b"1") in caught.value.headers
    assert room.inside == 1


async def test_one_waits_for_a_place_but_never_beyond_its_deadline():
    room, step = made(queue=5, wait=30.0)
    first, hasty, patient = (make_exchange(house=HOUSE) for _ in range(3))
    await step(first, ok)
    hasty.deadline = HOUSE.clock.now() + 0.03
    with pytest.raises(Refusal, match="overloaded"):
        await asyncio.wait_for(step(hasty, ok), 5)
    waiting = asyncio.ensure_future(step(patient, ok))
    await asyncio.sleep(0)
    first.close("ok")
    assert (await asyncio.wait_for(waiting, 5)).status == 200
    patient.close("ok")
    assert room.inside == 0


async def test_observing_lets_everyone_in_and_says_who_would_not_have_been():
    room, step = made(limit=1, queue=1, enforce=False)
    exchanges = [make_exchange(house=HOUSE) for _ in range(3)]
    for exchange in exchanges:
        await step(exchange, ok)
    assert [exchange.decisions for exchange in exchanges] == [[], [], [("label", "would refuse", "overloaded")]]
    assert (room.inside, room.refused) == (3, 1)
    for exchange in exchanges:
        exchange.close("ok")
    assert room.inside == 0


async def test_offline_nothing_is_counted():
    room, step = made(offline=True)
    for _ in range(3):
        await step(make_exchange(house=HOUSE), ok)
    assert room.inside == 0


async def test_answer_times_are_told_but_not_those_of_fast_failures():
    kit = make_kit(clock=SystemClock())
    seen = []
    gradient = SimpleNamespace(sample=lambda now, seconds, inside, rules: seen.append(round(seconds, 1)))
    room = Room(kit.clock.now, Fifo())

    async def plain(exchange, proceed):
        return await proceed(exchange)

    step = measured(kit, plain, gradient, GradientRules(), room)

    async def call(status=200, took=0.0, refusal=None):
        exchange = make_exchange(house=HOUSE)

        async def proceed(exchange):
            exchange.numbers.dispatched = kit.clock.now() - took
            if refusal is not None:
                raise Refusal(refusal)
            exchange.numbers.upstream_head = exchange.numbers.dispatched + took
            return Reply(status, [], OneFrame())

        return await step(exchange, proceed)

    await call(200, 0.3)
    await call(503, 0.1)
    for code in ("upstream_timeout", "upstream_unreachable"):
        with pytest.raises(Refusal):
            await call(took=0.7, refusal=code)
    assert seen == [0.3, 0.7]
    assert Gradient().limit(GradientRules()) == 20


async def test_a_part_of_a_call_that_is_inside_takes_no_place_of_its_own():
    room, step = made()
    whole, part = make_exchange(house=HOUSE), make_exchange(house=HOUSE)
    part.parent = whole
    await step(whole, ok)
    assert (await step(part, ok)).status == 200
    part.close("ok")
    assert room.inside == 1
    whole.close("ok")
    assert room.inside == 0
    part = make_exchange(house=HOUSE)
    part.parent = make_exchange(house=HOUSE)
    await step(part, ok)
    assert room.inside == 1, "the call that it is a part of is not inside"
