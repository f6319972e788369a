"""The memory cache stays within its bytes, whatever is put."""

from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.core.clock import SetClock
from triplegate.stores.memory.cache import MemoryCache


async def test_the_entry_used_longest_ago_goes_first() -> None:
    cache = MemoryCache(SetClock(), max_bytes=5_600)
    for key in "abcd":
        await cache.put(key, bytes(1_000), 60.0)
    await cache.get("a")
    await cache.put("e", bytes(1_000), 60.0)
    assert [await cache.get(key) is not None for key in "abcde"] == [True, False, True, True, True]
    assert cache.evicted == 1


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 900), st.lists(st.sampled_from("xyz")))))
async def test_size_and_tags_stay_true(puts: list[tuple[str, int, list[str]]]) -> None:
    cache = MemoryCache(SetClock(), max_bytes=5_000)
    for key, size, tags in puts:
        await cache.put(key, bytes(size), 60.0, tags)
        assert cache.size <= 5_000
    for tag in "xyz":
        await cache.drop_tag(tag)
    for key in "abcdefgh":
        await cache.drop(key)
    assert cache.size == 0
    assert not cache._tagged
    assert not cache._entries
