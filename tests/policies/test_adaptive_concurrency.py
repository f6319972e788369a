"""The bound follows the upstream's answer times."""

import asyncio

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange, make_house, make_kit

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.gradient import Gradient, GradientRules
from triplegate.core.http import OneFrame, Reply
from triplegate.policies.adaptive_concurrency import AdaptiveConcurrency


class Calls:
    """Calls through one policy; the upstream's answer takes as long as is said."""

    def __init__(self, **fields):
        self.clock = SetClock()
        self.house = make_house(self.clock)
        self.kit = make_kit(clock=self.clock)
        self.policy = AdaptiveConcurrency(**fields)
        self.step = self.policy.build(self.kit)
        self.rules = GradientRules(least=self.policy.least, most=self.policy.most, start=self.policy.start)
        self.gradient = self.kit.state(Gradient, "adaptive_concurrency|adaptive_concurrency", Gradient)

    async def call(self, seconds=0.0):
        exchange = make_exchange(house=self.house)

        async def forward(exchange):
            exchange.numbers.dispatched = self.clock.now()
            self.clock.advance(seconds)
            exchange.numbers.upstream_head = self.clock.now()
            return Reply(200, [], OneFrame(b"ok"))

        await self.step(exchange, forward)
        return exchange

    async def busy(self, seconds, calls, under_way):
        """So many calls with up to `under_way` of them at once, or as many as are let in."""
        inside = []
        for _ in range(calls):
            bound = min(under_way, self.gradient.limit(self.rules))
            while len(inside) >= bound:
                inside.pop(0).close("ok")
            inside.append(await self.call(seconds))
        for exchange in inside:
            exchange.close("ok")


async def test_it_begins_where_it_is_told_to_and_refuses_above():
    calls = Calls(start=3, least=2, queue=0)
    for _ in range(3):
        await calls.call()
    with pytest.raises(Refusal, match="overloaded"):
        await calls.call()


async def test_slower_answers_lower_the_bound_down_to_the_least():
    calls = Calls(start=20, least=4, queue=0, remeasure="10h")
    await calls.busy(0.05, 30, 15)
    high = calls.gradient.number
    await calls.busy(1.0, 300, 10)
    assert calls.gradient.number < high
    assert calls.gradient.number >= 4


async def test_tolerance_forgives_answers_that_are_a_little_slower():
    strict, mild = Calls(tolerance=0.0, remeasure="10h"), Calls(tolerance=2.0, remeasure="10h")
    for calls in (strict, mild):
        await calls.busy(0.05, 30, 15)
        await calls.busy(0.1, 100, 15)
    assert mild.gradient.number > strict.gradient.number


async def test_it_never_goes_above_the_most():
    calls = Calls(start=5, most=7, queue=0)
    await calls.busy(0.05, 200, 5)
    assert calls.gradient.number <= 7


async def test_the_best_time_is_measured_again_after_a_while():
    calls = Calls(remeasure="5s")
    await calls.busy(0.05, 20, 15)
    await calls.busy(0.5, 200, 15)
    assert calls.gradient.best == pytest.approx(0.5)


async def test_a_few_wait_for_a_while():
    calls = Calls(start=1, least=1, queue=1, queue_timeout="20ms")
    await calls.call()
    waiting = asyncio.ensure_future(calls.call())
    await asyncio.sleep(0)
    with pytest.raises(Refusal):
        await calls.call()
    with pytest.raises(Refusal):
        await waiting


async def test_observing_refuses_nobody_and_says_so():
    calls = Calls(start=1, least=1, queue=0, mode="observe")
    seen = [(await calls.call()).decisions for _ in range(2)]
    assert seen == [[], [("adaptive_concurrency", "would refuse", "overloaded")]]


@pytest.mark.parametrize("fields", [{"start": 2}, {"start": 50, "most": 20}, {"least": 0}, {"tolerance": -1}])
def test_bounds_that_contradict_each_other_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        AdaptiveConcurrency(**fields)
