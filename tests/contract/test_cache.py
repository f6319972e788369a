"""Cache: what is put is got until it expires, is dropped by key or by tag; the same on every adapter."""

import asyncio

from tests.servers.states import State


async def test_a_value_comes_back_byte_by_byte(state: State) -> None:
    value = bytes(range(256)) * 100
    await state.cache.put("a", value, 60.0)
    assert await state.cache.get("a") == value
    assert await state.cache.get("b") is None
    assert state.cache.shared is (state.store is not None)
    await state.cache.put("empty", b"", 60.0)
    assert await state.cache.get("empty") == b""


async def test_a_value_is_replaced_and_dropped(state: State) -> None:
    await state.cache.put("a", b"1", 60.0)
    await state.cache.put("a", b"2", 60.0)
    assert await state.cache.get("a") == b"2"
    await state.cache.drop("a")
    await state.cache.drop("a")
    assert await state.cache.get("a") is None


async def test_a_value_ends_with_its_life(state: State) -> None:
    await state.cache.put("short", b"1", 0.05)
    await state.cache.put("long", b"2", 60.0)
    await state.outlive(0.05)
    assert await state.cache.get("short") is None
    assert await state.cache.get("long") == b"2"
    await state.cache.put("long", b"3", 0.0)
    assert await state.cache.get("long") is None


async def test_a_tag_drops_all_its_keys_and_no_others(state: State) -> None:
    await state.cache.put("a", b"1", 60.0, ["red", "round"])
    await state.cache.put("b", b"2", 60.0, ["red"])
    await state.cache.put("c", b"3", 60.0, ["blue"])
    assert await state.cache.drop_tag("red") == 2
    assert [await state.cache.get(key) for key in "abc"] == [None, None, b"3"]
    assert await state.cache.drop_tag("red") == 0
    assert await state.cache.drop_tag("round") == 0


async def test_a_tag_outlives_its_shortest_key(state: State) -> None:
    await state.cache.put("long", b"1", 60.0, ["red"])
    await state.cache.put("short", b"2", 0.05, ["red"])
    await state.outlive(0.05)
    assert await state.cache.drop_tag("red") == 1
    assert await state.cache.get("long") is None


async def test_what_is_too_large_is_not_kept(state: State) -> None:
    await state.cache.put("a", b"small", 60.0)
    await state.cache.put("a", bytes(17 * 1024 * 1024), 60.0)
    assert await state.cache.get("a") is None


async def test_many_puts_and_gets_at_once_do_not_mix(state: State) -> None:
    keys = [f"key-{n}" for n in range(200)]
    await asyncio.gather(*[state.cache.put(key, key.encode(), 60.0) for key in keys])
    assert await asyncio.gather(*[state.cache.get(key) for key in keys]) == [key.encode() for key in keys]
