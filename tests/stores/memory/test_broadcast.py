"""Listeners that are gone cost nothing; a closed one ends after what it has heard."""

import gc

import pytest

from triplegate.stores.memory.broadcast import MemoryBroadcast, Topics


async def test_abandoned_listeners_are_forgotten() -> None:
    topics = Topics(10)
    for n in range(10_000):
        topics.listen(f"topic-{n}")
    gc.collect()
    assert len(topics.names()) < 200


async def test_a_closed_listener_ends_after_what_it_has_heard() -> None:
    broadcast = MemoryBroadcast()
    listener = broadcast.listen("a")
    await broadcast.publish("a", b"1")
    listener.close()
    assert [message async for message in listener] == [b"1"]
    with pytest.raises(StopAsyncIteration):
        await anext(listener)
