"""Sessions without their store are refused, not invented."""

import pytest
from tests.servers.states import real_time_store

from triplegate.core.errors import Refusal


async def test_a_store_that_is_away_refuses(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        await store.sessions.put("s", {"a": b"1"}, 60.0)
        store.close()
        for attempt in (store.sessions.get("s", 60.0), store.sessions.put("s", {}, 1.0), store.sessions.end("s")):
            with pytest.raises(Refusal) as refused:
                await attempt
            assert (refused.value.code, refused.value.retry_after) == ("overloaded", 1.0)
