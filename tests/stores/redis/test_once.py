"""A replay must not pass because nobody remembers."""

import pytest
from tests.servers.states import real_time_store

from triplegate.core.errors import Refusal


async def test_a_store_that_is_away_fails_closed(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        store.close()
        with pytest.raises(Refusal) as refused:
            await store.once.first("jti", 60.0)
        assert (refused.value.code, refused.value.status) == ("policy_unavailable", 503)
