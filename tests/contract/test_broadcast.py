"""Broadcast: everyone who listens hears, nobody else; the same on every adapter."""

import asyncio

from tests.servers.states import State


async def test_everyone_who_listens_hears_every_message_in_order(state: State) -> None:
    listeners = [state.broadcast.listen("keys") for _ in range(2)]
    for n in range(20):
        await state.broadcast.publish("keys", str(n).encode())
    async with asyncio.timeout(10):
        for listener in listeners:
            assert [await anext(listener) for _ in range(20)] == [str(n).encode() for n in range(20)]


async def test_another_process_hears_too(state: State) -> None:
    listener = state.broadcast.listen("keys")
    await state.broadcast.publish("keys", b"mine")  # the subscription is confirmed by then
    await state.others_broadcast().publish("keys", b"theirs")
    async with asyncio.timeout(10):
        assert [await anext(listener), await anext(listener)] == [b"mine", b"theirs"]


async def test_topics_are_apart(state: State) -> None:
    listener = state.broadcast.listen("a")
    await state.broadcast.publish("b", b"no")
    await state.broadcast.publish("a", b"yes")
    async with asyncio.timeout(10):
        assert await anext(listener) == b"yes"


async def test_nothing_is_kept_for_later(state: State) -> None:
    await state.broadcast.publish("a", b"before")
    listener = state.broadcast.listen("a")
    await state.broadcast.publish("a", b"after")
    async with asyncio.timeout(10):
        assert await anext(listener) == b"after"


async def test_a_slow_listener_loses_the_oldest_and_knows_how_many(state: State) -> None:
    slow, control = state.broadcast.listen("a"), state.broadcast.listen("end")
    for n in range(1_200):
        await state.broadcast.publish("a", str(n).encode())
    await state.broadcast.publish("end", b"")
    async with asyncio.timeout(10):
        await anext(control)
        assert await anext(slow) == b"200"
    assert slow.lost == 200  # type: ignore[attr-defined]
