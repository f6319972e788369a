"""What is purged is forgotten by name, or by the moment it was answered; the policy's tests show that it is."""

from triplegate.core.clock import SetClock
from triplegate.stores.answers.purging import purge, purge_before, purged_before, tags_of
from triplegate.stores.memory.cache import MemoryCache


async def filled():
    cache = MemoryCache(SetClock())
    await cache.put("a", b"1", 60, tags_of("acme/web", "m", ["help"]))
    await cache.put("b", b"2", 60, tags_of("acme/ops", "m", []))
    await cache.put("c", b"3", 60, ["other"])
    return cache


async def left(cache):
    return "".join([key for key in "abc" if await cache.get(key) is not None])


async def test_by_name_or_all_that_are_answers():
    cache = await filled()
    assert (await purge(cache, tag="help"), await left(cache)) == (1, "bc")
    cache = await filled()
    assert (await purge(cache, team="acme/ops"), await left(cache)) == (1, "ac")
    cache = await filled()
    assert (await purge(cache, model="m"), await left(cache)) == (2, "c")
    cache = await filled()
    assert (await purge(cache), await left(cache)) == (2, "c")


async def test_a_moment_never_moves_back_and_is_of_one_team_or_of_all():
    cache = await filled()
    assert await purged_before(cache, "acme/web") == 0
    await purge_before(cache, 50, "acme/web")
    await purge_before(cache, 20, "acme/web")
    assert [await purged_before(cache, team) for team in ("acme/web", "acme/ops")] == [50, 0]
    await purge_before(cache, 70)
    assert [await purged_before(cache, team) for team in ("acme/web", "acme/ops")] == [70, 70]
