"""Calls of one subject under way at once: who has the places, and when they are free again."""

import pytest
from tests.builders import make_exchange

from triplegate.core.admission import Taker
from triplegate.core.catalog import Target
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.policies.concurrency_limit import ConcurrencyLimit
from triplegate.stores.memory.admission import MemoryAdmission


def taker(store, policy, exchange=None):
    return Taker(store, (policy,), exchange or make_exchange())


async def test_a_place_is_taken_and_given_back_at_the_end():
    store, policy = MemoryAdmission(SetClock()), ConcurrencyLimit(at_once=2, name="pair")
    first = taker(store, policy)
    await first.take(None)
    await taker(store, policy).take(None)
    with pytest.raises(Refusal) as caught:
        await taker(store, policy).take(None)
    assert (caught.value.code, caught.value.payload) == ("concurrency_exceeded", {"violated-policies": ["pair"]})
    first.holds[0].settle({"requests": 1})
    await taker(store, policy).take(None)


async def test_who_only_looks_refuses_nobody():
    store, policy = MemoryAdmission(SetClock()), ConcurrencyLimit(at_once=1, mode="observe")
    for _ in range(3):
        exchange = make_exchange()
        await taker(store, policy, exchange).take(None)
    assert exchange.decisions == [("concurrency_limit", "would refuse", "concurrency_exceeded")]


def test_places_are_of_the_subject_that_is_named():
    target = Target("deployment", "openai/gpt-4o")
    (claim,) = ConcurrencyLimit(at_once=2, by="deployment").claims(make_exchange(), target)
    assert claim.bucket == "concurrency_limit|openai/gpt-4o"
    assert ConcurrencyLimit(at_once=2, by="deployment").each_attempt
    assert ConcurrencyLimit(at_once=2, by="model").strange_on("api")
    assert not ConcurrencyLimit(at_once=2).strange_on("mcp")
