"""Claims become one take for the call and one for each target that has its own."""

import msgspec
import pytest
from tests.builders import OpenStore, make_exchange

from triplegate.core.admission import Claim, Limit, Taker
from triplegate.core.allowance import Allowance
from triplegate.core.calendar import Calendar
from triplegate.core.catalog import Route, Target
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.money import Price
from triplegate.stores.memory.admission import MemoryAdmission

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


# money of a call that is tried several times ---------------------------------------------------------------
BUDGET = Limit("team", "budget", "money", 1_000, Calendar("month"))
CHEAP, DEAR = Target("deployment", "cheap"), Target("deployment", "dear")


class Demand:
    """A call that costs 100 at one deployment and 400 at the other, the cheap one being tried first."""

    def money(self, target, reservation):
        return 400 if target is DEAR else 100

    def tokens(self, dimension, reservation):
        return 10


async def priced(spent=0, **more):
    """A call whose budget has so much spent already: exchange and how the budget stands."""
    store, exchange = MemoryAdmission(SetClock()), make_exchange()
    exchange.demand = Demand()
    before = await store.take((Claim("team", BUDGET, spent),), 60.0)
    before.hold.settle({"money": spent})
    exchange.admission = Taker(store, (Held(**more),), exchange)
    await exchange.admission.take(None)

    async def left():
        (standing,) = await store.peek((Claim("team", BUDGET),))
        return standing.remaining

    return exchange, left


class Held:
    def __init__(self, **more):
        self.more = more

    def claims(self, exchange, target):
        return [Claim("team", BUDGET, exchange.demand.money(target, "typical"), **self.more)] if target is None else []


async def attempted(exchange, target, *, cost=None):
    """One more attempt there; with a cost, it has failed and cost that."""
    attempt = exchange.attempt(target)
    try:
        await exchange.admission.take(target)
    except Refusal:
        attempt.numbers.ended = 1.0
        raise
    if cost is not None:
        attempt.cost, attempt.numbers.ended = cost, 1.0


async def test_a_first_attempt_has_what_was_set_aside_for_the_call():
    exchange, left = await priced()
    await attempted(exchange, CHEAP)
    assert await left() == 900


async def test_a_dearer_fallback_is_paid_for_before_it_is_tried_besides_what_is_lost_already():
    exchange, left = await priced()
    await attempted(exchange, CHEAP, cost=30)
    await attempted(exchange, DEAR)
    assert await left() == 570


async def test_a_hedge_is_paid_for_besides_the_attempt_that_still_runs():
    exchange, left = await priced()
    await attempted(exchange, CHEAP)
    await attempted(exchange, DEAR)
    assert await left() == 500


async def test_a_fallback_that_the_budget_cannot_pay_is_not_tried():
    exchange, left = await priced(spent=700)
    await attempted(exchange, CHEAP, cost=0)
    with pytest.raises(Refusal) as caught:
        await attempted(exchange, DEAR)
    assert (caught.value.code, caught.value.status) == ("budget_exceeded", 429)
    assert await left() == 200
    await attempted(exchange, CHEAP, cost=0)
    assert await left() == 200


async def test_a_price_for_the_call_is_not_paid_again_by_a_retry():
    exchange, left = await priced()
    exchange.demand = None
    for _ in range(3):
        await attempted(exchange, DEAR, cost=0)
    assert await left() == 900


async def test_a_call_within_a_call_pays_its_own_cost():
    parent, left = await priced()
    child = make_exchange()
    child.parent, child.demand = parent, Demand()
    await Taker(parent.admission._store, (Held(),), child).take(None)
    assert await left() == 800


async def test_a_heartbeat_prolongs_holds_and_lets_them_grow():
    exchange, left = await priced(spent=500)
    taker = exchange.admission
    assert await taker.beat({"money": 450}, 41.0)
    assert (await left(), taker.beaten) == (50, 41.0)
    assert not await taker.beat({"money": 700}, 82.0)
    assert await left() == 50


async def test_money_is_held_though_a_rate_is_full():
    exchange, left = await priced()
    full = Limit("tokens", "rate", "total", 10, 3600.0)

    class Both:
        def claims(self, exchange, target):
            return [Claim("t", full), Claim("team", BUDGET)]

    exchange.admission._claimants = (Both(),)
    await exchange.admission.take(None)
    assert not await exchange.admission.beat({"total": 900, "money": 300}, 1.0)
    assert await left() == 400, "both holds of the test grew to 300"
    exchange.admission.end()
    assert exchange.admission.counted is None


async def test_who_has_budgets_of_its_own_claims_of_them_too():
    store, exchange = OpenStore(), make_exchange(route=Route("orders", "api", price=Price(call=100)))
    own = Allowance("consumer:acme/web/alice/budget", BUDGET, "consumer", cutoff=True)
    exchange.principal = msgspec.structs.replace(exchange.principal, budgets=(own,))
    await Taker(store, (Claims("call"),), exchange).take(None)
    assert [claim.bucket for claim in store.calls[0]] == ["call", "consumer:acme/web/alice/budget|acme/web/alice|month"]
    assert store.calls[0][1].cutoff
    store.deny.add("team")
    with pytest.raises(Refusal, match="budget_exceeded") as caught:
        await Taker(store, (), exchange).take(None)
    assert caught.value.detail == "The budget 'team' is spent."


# what is reckoned once -------------------------------------------------------------------------------------
def test_a_limit_knows_the_seconds_of_a_unit_and_of_its_bucket_whatever_it_was_made_of():
    assert (LIMIT.per_unit, LIMIT.depth) == (6.0, 60.0)
    doubled = msgspec.structs.replace(LIMIT, quota=20, burst=4)
    assert (doubled.per_unit, doubled.depth) == (3.0, 12.0)
    assert doubled == Limit("per-minute", "rate", "requests", 20, 60.0, 4)
    assert Limit("none", "rate", "requests", 0, 60.0).per_unit == BUDGET.per_unit == 0.0


async def test_only_an_attempt_that_may_cost_more_is_admitted_again():
    exchange, _ = await priced()
    exchange.route = Route("m", "llm", targets=((CHEAP, 1),))
    exchange.attempt(CHEAP)
    assert not exchange.admission.claims_at(CHEAP)
    assert exchange.admission.claims_at(DEAR)
    exchange.attempt(CHEAP)
    assert exchange.admission.claims_at(CHEAP)
    exchange.admission.end()
    assert not exchange.admission.claims_at(CHEAP)
