"""Claims become one take for the call and one for each target that has its own."""

import pytest
from tests.builders import OpenStore, make_exchange

from triplegate.core.admission import Claim, Limit, Taker
from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal

LIMIT = Limit("per-minute", "rate", "requests", 10, 60.0)


class Claims:
    def __init__(self, *buckets):
        self.buckets = buckets

    def claims(self, exchange, target):
        return [Claim(bucket, LIMIT) for bucket in self.buckets]


async def test_a_denied_call_is_a_429_with_the_true_wait_and_the_limits_name():
    store = OpenStore()
    store.deny.add("per-minute")
    exchange = make_exchange()
    with pytest.raises(Refusal) as caught:
        await Taker(store, (Claims("a"),), exchange).take(None)
    refusal = caught.value
    assert (refusal.code, refusal.status, refusal.retry_after) == ("quota_exceeded", 429, 7.0)
    assert refusal.payload == {"violated-policies": ["per-minute"]}
    assert exchange.standings[0].denied


async def test_a_targets_own_claims_are_taken_when_it_is_tried():
    store = OpenStore()
    taker = Taker(store, (Claims("call"),), make_exchange())
    await taker.take(None)
    await taker.take(Target("deployment", "d", claimants=(Claims("own"),)))
    assert [[claim.bucket for claim in call] for call in store.calls] == [["call"], ["own"]]


async def test_a_target_without_claims_costs_no_store_call():
    store = OpenStore()
    assert await Taker(store, (), make_exchange()).take(Target("deployment", "d")) is None
    assert store.calls == []


async def test_a_bucket_that_an_ancestor_took_is_skipped():
    store = OpenStore()
    parent = make_exchange()
    parent.admission = Taker(store, (Claims("shared"),), parent)
    await parent.admission.take(None)
    child = make_exchange()
    child.parent, child.depth = parent, 1
    await Taker(store, (Claims("shared", "own"),), child).take(None)
    assert [claim.bucket for claim in store.calls[1]] == ["own"]


async def test_what_counts_attempts_claims_at_every_target_and_not_for_the_call():
    store = OpenStore()
    taker = Taker(store, (), make_exchange(), of_attempts=(Claims("each"),))
    bare, own = Target("deployment", "d"), Target("deployment", "e", claimants=(Claims("own"),))
    assert await taker.take(None) is None
    assert taker.claims_at(bare)
    await taker.take(bare)
    await taker.take(own)
    assert [[claim.bucket for claim in call] for call in store.calls] == [["each"], ["each", "own"]]
    assert not Taker(store, (Claims("call"),), make_exchange()).claims_at(bare)
