"""A hold knows what it holds; it sends nothing that changes nothing."""

from tests.servers.states import real_time_store

from triplegate.core.admission import Claim, Limit

TOKENS = Claim("t", Limit("tokens", "rate", "total", 100, 3600.0), 40)


async def test_settling_at_the_estimate_sends_nothing(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        taken = await store.admission.take((TOKENS,), 30.0)
        other = await store.admission.take((TOKENS,), 30.0)
        store.close()
        assert taken.hold is not None
        taken.hold.settle({"total": 40})
        assert store.state.corrections_waiting == 0
        assert other.hold is not None
        other.hold.settle({"total": 39})
        assert store.state.corrections_waiting == 1


async def test_a_topped_up_hold_settles_from_what_it_holds_now(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        taken = await store.admission.take((TOKENS,), 30.0)
        assert taken.hold is not None
        assert await taken.hold.extend({"total": 60})
        taken.hold.settle({"total": 20})
        (standing,) = await store.admission.peek((TOKENS,))
        assert standing.remaining == 60, "the first 40 are fixed since the top-up"
