"""Corrections are written behind, kept while the store is away, bounded, and counted once."""

from tests.servers.states import real_time_store

from triplegate.core.admission import Claim, Limit
from triplegate.stores.redis.settling import KEPT, Correction

MONEY = Claim("b", Limit("money", "budget", "money", 1_000, 86_400.0), 100)


async def test_a_correction_that_is_repeated_is_counted_once(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        admission = store.admission
        taken = await admission.take((MONEY,), 30.0)
        assert taken.hold is not None
        part = taken.hold.parts[0]  # type: ignore[attr-defined]
        family, quota, window, burst = admission.packer.limit(MONEY)
        where = (admission.packer.key(MONEY), family, quota, window, burst)
        correction = Correction(*where, 100, 0, 40, part.hold, part.token, refundable=True)
        for _ in range(5):
            admission.settling.add([correction])
        (standing,) = await admission.peek((MONEY,))
        assert standing.remaining == 960


async def test_what_cannot_be_sent_is_kept_within_a_bound(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        settling = store.admission.settling
        store.close()
        family, quota, window, burst = store.admission.packer.limit(MONEY)
        correction = Correction("k", family, quota, window, burst, 0, 0, 1, "id", b"", refundable=False)
        for _ in range(KEPT + 7):
            settling.add([correction])
        assert (len(settling), settling.dropped) == (KEPT, 7)


async def test_a_rate_is_never_refunded_twice_after_an_unknown_outcome(redis_url: str) -> None:
    correction = Correction("k", b"r", 1, 1, 0, 1, 0, 0, "id", b"", refundable=True)
    assert not correction.repeatable
    assert Correction("k", b"b", 1, 1, 0, 1, 0, 0, "id", b"", refundable=True).repeatable
    assert Correction("k", b"c", 1, 1, 0, 1, 0, 0, "id", b"", refundable=True).repeatable
