"""Balances are told exactly, beyond what a double holds."""

from tests.servers.states import real_time_store

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar


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
