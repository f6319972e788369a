"""Balances are told exactly, beyond what a double holds."""

import pytest
from tests.servers.states import real_time_store
from tests.stores.redis.test_degraded import Make, go_away, until

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar
from triplegate.core.errors import Refusal

LIMIT = Limit("web", "budget", "money", 1_000, Calendar("month"))


async def test_large_sums_are_told_to_the_unit_and_many_at_a_time(redis_url: str) -> None:
    limit = Limit("money", "budget", "money", 9_000_000_000_000_000_000, Calendar("year"))
    async with real_time_store(redis_url) as store:
        claims = tuple(Claim(f"b{n}", limit, 2**53 - 1) for n in range(450))
        for _ in range(3):
            taken = await store.admission.take(claims[:1], 30.0)
            assert taken.hold is not None
            taken.hold.settle({"money": 2**53 - 1})
        found = await store.admission.balances(claims)
        assert len(found) == 450
        assert (found[0].spent, found[0].held, found[449].spent) == (3 * (2**53 - 1), 0, 0)
        await store.admission.correct(claims[0], found[0].period, 1)
        assert (await store.admission.balances(claims[:1]))[0].spent == 3 * (2**53 - 1) + 1


async def test_budgets_are_closed_while_the_store_may_have_lost_them(make_redis: Make) -> None:
    server = make_redis("redis")
    money, calls = Claim("web", LIMIT, 10), Claim("calls", Limit("calls", "rate", "requests", 100, 60.0))
    async with real_time_store(server.url, deadline=0.25) as store:
        admission = store.admission
        assert (await admission.take((money,), 30.0)).retry_after is None, "nobody asks the ledger: nobody waits for it"
        admission.watch()
        with pytest.raises(Refusal) as closed:
            await admission.take((money, calls), 30.0)
        assert (closed.value.code, closed.value.retry_after) == ("policy_unavailable", 1.0)
        assert (await admission.take((calls,), 30.0)).retry_after is None
        assert (await admission.take((Claim("web", LIMIT, 10, "observe"),), 30.0)).retry_after is None
        admission.sure()
        taken = await admission.take((money,), 30.0)
        assert [(one.spent, one.held) for one in await admission.balances((money,))] == [(0, 30)]
        assert taken.hold is not None
        await go_away(server, store, "stopped")
        server.resume()
        await until(lambda: store.state.up)
        assert (await admission.take((money,), 30.0)).retry_after is None, "it was away, and has lost nothing"
        await go_away(server, store, "killed")
        server.start()
        await until(lambda: store.state.up)
        with pytest.raises(Refusal):
            await admission.take((money,), 30.0)
        admission.sure()
        assert (await admission.take((money,), 30.0)).retry_after is None
