"""Leases in memory are bounded."""

import pytest

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.memory.lease import MemoryLease


async def test_a_full_house_refuses_instead_of_taking_a_lease_away() -> None:
    lease = MemoryLease(SetClock(), max_names=2)
    assert await lease.take("a", "me", 60.0)
    assert await lease.take("b", "me", 60.0)
    with pytest.raises(Refusal):
        await lease.take("c", "me", 60.0)
    await lease.give("a", "me")
    assert await lease.take("c", "me", 60.0)
    assert not await lease.take("b", "you", 60.0)
