"""A raise lets more pass until it is over; where there is none nothing is changed."""

from tests.builders import OpenStore

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar
from triplegate.core.clock import SetClock
from triplegate.core.raises import Raise, Raised
from triplegate.stores.memory.admission import MemoryAdmission

LIMIT = Limit("web", "budget", "money", 100, Calendar("month"))
CLAIM = Claim("web", LIMIT, 60)


async def test_what_was_granted_is_there_until_its_end():
    clock = SetClock()
    raised = Raised(MemoryAdmission(clock), clock)
    (await raised.take((CLAIM,), 30.0)).hold.settle({"money": 60})
    assert (await raised.take((CLAIM,), 30.0)).retry_after is not None
    now = clock.wall()
    raised.take_over([Raise("r1", "web", 40, now + 60.0), Raise("r2", "web", 10, now + 10.0)])
    (standing,) = await raised.peek((CLAIM,))
    assert (standing.remaining, standing.claim.limit.quota) == (90, 150)
    (await raised.take((CLAIM,), 30.0)).hold.settle({"money": 60})
    clock.advance(11.0)
    assert [one.raise_id for one in raised.of("web")] == ["r1"]
    assert (await raised.peek((CLAIM,)))[0].remaining == 20
    clock.advance(50.0)
    assert (await raised.take((CLAIM,), 30.0)).retry_after is not None
    assert (await raised.balances((CLAIM,)))[0].spent == 120
    await raised.correct(CLAIM, Calendar("month").number(clock.wall()), -120)
    assert (await raised.balances((CLAIM,)))[0].spent == 0


async def test_other_buckets_and_rates_are_as_they_were():
    clock, store = SetClock(), OpenStore()
    raised = Raised(store, clock)
    raised.take_over([Raise("r1", "web", 40, clock.wall() + 60.0)])
    rate = Claim("web", Limit("web", "rate", "requests", 5, 60.0))
    other = Claim("ops", LIMIT)
    await raised.take((rate, other, CLAIM), 30.0)
    assert store.calls[0][:2] == (rate, other)
    assert store.calls[0][2].limit.quota == 140
    raised.take_over([])
    await raised.take((CLAIM,), 30.0)
    assert store.calls[1] == (CLAIM,)


async def test_a_store_that_decides_in_this_process_is_asked_without_waiting_and_raises_hold_there_too():
    clock = SetClock()
    raised = Raised(MemoryAdmission(clock), clock)
    assert raised.take_now((CLAIM,), 30.0).hold is not None
    assert raised.take_now((CLAIM,), 30.0).retry_after is not None
    raised.take_over([Raise("r1", "web", 40, clock.wall() + 60.0)])
    assert raised.take_now((CLAIM,), 30.0).standings[0].remaining == 20
    assert Raised(OpenStore(), clock).take_now is None
