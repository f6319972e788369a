"""Redis stops, dies and comes back: callers get an answer in time, limits hold, nothing raises."""

import asyncio
import time
from collections.abc import Callable

import pytest
from tests.servers.redis import Kind, RedisServer
from tests.servers.states import real_time_store

from triplegate.core.admission import Claim, Limit, Taken
from triplegate.stores.redis import RedisStore

DEADLINE = 0.25
Make = Callable[[Kind], RedisServer]


def calls(bucket: str, quota: int = 40) -> Claim:
    return Claim(bucket, Limit("calls", "rate", "requests", quota, 3600.0))


def money(bucket: str, amount: int, quota: int = 10_000) -> Claim:
    return Claim(bucket, Limit("money", "budget", "money", quota, 86_400.0), amount)


async def until(fits: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.02)


async def take_many(store: RedisStore, claim: Claim, count: int) -> list[Taken]:
    return [await store.admission.take((claim,), 30.0) for _ in range(count)]


async def go_away(server: RedisServer, store: RedisStore, how: str) -> None:
    if how == "stopped":
        server.pause()
    else:
        server.kill()
    for _ in range(12):  # calls find out; each has its answer within the deadline
        await store.admission.take((calls("scout", 10**6),), 30.0)
        if not store.state.up:
            break
    await until(lambda: not store.state.up)


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_every_call_is_answered_while_redis_is_away(make_redis: Make, how: str) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        await take_many(store, calls("a", 10**6), 3)
        if how == "stopped":
            server.pause()
        else:
            server.kill()
        started = time.monotonic()
        answers = await asyncio.gather(*[store.admission.take((calls("a", 10**6),), 30.0) for _ in range(100)])
        assert time.monotonic() - started < 5.0
        assert all(answer.degraded and answer.retry_after is None for answer in answers)
        for _ in range(8):
            await store.admission.take((calls("a", 10**6),), 30.0)
        await until(lambda: not store.state.up)
        before = store.state.timeouts
        answers = await take_many(store, calls("a", 10**6), 200)
        assert all(answer.degraded for answer in answers)
        assert store.state.timeouts == before, "once the breaker is open nobody waits for the deadline"
        assert store.state.degraded_takes >= 300
        assert store.admission.degraded


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_it_recovers_within_three_seconds(make_redis: Make, how: str) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        await go_away(server, store, how)
        if how == "stopped":
            server.resume()
        else:
            server.start()
        back = time.monotonic()
        await until(lambda: store.state.up)
        assert time.monotonic() - back < 3.0
        (answer,) = await take_many(store, calls("b"), 1)
        assert not answer.degraded
        assert store.state.losses == 1


async def test_what_was_used_before_counts_in_the_outage(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        await take_many(store, calls("a"), 30)
        await go_away(server, store, "killed")
        answers = await take_many(store, calls("a"), 30)
        assert sum(answer.retry_after is None for answer in answers) == 10
        refused = answers[-1]
        assert refused.degraded
        assert refused.retry_after == pytest.approx(90.0, abs=5.0)
        assert refused.standings[0].claim.limit.quota == 40, "headers name the limit, not the share"


async def test_each_of_four_nodes_enforces_a_quarter(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE, nodes=4) as store:
        await go_away(server, store, "killed")
        answers = await take_many(store, calls("unseen"), 40)
        assert sum(answer.retry_after is None for answer in answers) == 10
        answers = await take_many(store, calls("tiny", quota=2), 5)
        assert sum(answer.retry_after is None for answer in answers) == 1, "never nothing at all"


async def test_what_passed_in_the_outage_is_charged_afterwards(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        await go_away(server, store, "killed")
        await take_many(store, calls("a"), 25)
        server.start()
        await until(lambda: store.state.up)
        (answer,) = await take_many(store, calls("a"), 1)
        assert not answer.degraded
        assert answer.standings[0].remaining == 14


async def test_budgets_are_closed_beyond_a_hundredth(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE, nodes=2) as store:
        await go_away(server, store, "killed")
        within = await store.admission.take((money("b", 50),), 30.0)
        assert within.retry_after is None
        assert within.degraded
        beyond = await store.admission.take((money("b", 1),), 30.0)
        assert beyond.retry_after == 1.0
        assert beyond.standings[0].denied
        assert within.hold is not None
        within.hold.settle({"money": 30})
        server.start()
        await until(lambda: store.state.up)
        (standing,) = await store.admission.peek((money("b", 1),))
        assert standing.remaining == 9_970, "what was spent in the outage is charged when the store is back"


async def test_a_budget_known_to_be_spent_lends_nothing(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        spent = await store.admission.take((money("b", 10_000),), 30.0)
        assert spent.retry_after is None
        await go_away(server, store, "stopped")
        refused = await store.admission.take((money("b", 1),), 30.0)
        assert refused.retry_after is not None


async def test_a_settle_of_the_outage_arrives_once(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        taken = await store.admission.take((money("b", 1_000),), 30.0)
        assert taken.hold is not None
        await go_away(server, store, "stopped")
        taken.hold.settle({"money": 400})
        assert store.state.corrections_waiting == 1
        server.resume()
        await until(lambda: store.state.up)
        (standing,) = await store.admission.peek((money("b", 1),))
        assert standing.remaining == 9_600
        assert store.state.corrections_waiting == 0


async def test_places_are_shared_out_in_an_outage(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE, nodes=2) as store:
        await go_away(server, store, "killed")
        place = Claim("p", Limit("at-once", "concurrent", "requests", 4, 0.0))
        held = await take_many(store, place, 3)
        assert [answer.retry_after is None for answer in held] == [True, True, False]
        assert held[0].hold is not None
        assert await held[0].hold.extend({})
        held[0].hold.release()
        assert (await take_many(store, place, 1))[0].retry_after is None


async def test_a_hold_of_the_store_cannot_be_topped_up_while_it_is_away(make_redis: Make) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url, deadline=DEADLINE) as store:
        taken = await store.admission.take((money("b", 10),), 30.0)
        await go_away(server, store, "killed")
        assert taken.hold is not None
        assert await taken.hold.extend({"money": 20}) is False
