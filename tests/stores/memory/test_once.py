"""What was seen is not forgotten to make room: a replay would pass."""

import pytest

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.memory.once import MemoryOnce


async def test_a_full_memory_refuses_new_names_and_still_knows_the_old() -> None:
    once = MemoryOnce(SetClock(), max_names=3)
    for name in "abc":
        assert await once.first(name, 60.0)
    with pytest.raises(Refusal):
        await once.first("d", 60.0)
    for name in "abc":
        assert not await once.first(name, 60.0)
