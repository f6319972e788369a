"""Subscriptions survive a lost connection and end with their listeners."""

import asyncio
import contextlib
import gc
from collections.abc import Callable

from tests.servers.redis import Kind, RedisServer
from tests.servers.states import real_time_store

from triplegate.core.errors import Refusal


async def test_listeners_hear_again_after_the_server_came_back(make_redis: Callable[[Kind], RedisServer]) -> None:
    server = make_redis("redis")
    async with real_time_store(server.url) as store:
        listener = store.broadcast.listen("keys")
        await store.broadcast.publish("keys", b"before")
        heard: list[bytes] = []
        async with asyncio.timeout(10):  # arrived before the server ends: a broadcast keeps nothing for later
            heard.append(await anext(listener))
        server.kill()
        server.start()
        async with asyncio.timeout(20):
            while b"after" not in heard:
                with contextlib.suppress(Refusal):  # until both connections are back
                    await store.broadcast.publish("keys", b"after")
                try:
                    async with asyncio.timeout(0.1):
                        heard.append(await anext(listener))
                except TimeoutError:
                    continue
        assert heard[0] == b"before"
        assert store._subscriptions.losses >= 1


async def test_an_abandoned_listener_is_unsubscribed(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        listener = store.broadcast.listen("keys")
        await store.broadcast.publish("keys", b"x")
        channel = store._subscriptions.channel("t:keys")
        assert await store._pipeline.call("PUBSUB", "NUMSUB", channel) == [channel.encode(), 1]
        del listener
        gc.collect()
        async with asyncio.timeout(10):
            while (await store._pipeline.call("PUBSUB", "NUMSUB", channel))[1]:
                await asyncio.sleep(0.01)
        assert not store._subscriptions._listeners


async def test_closing_the_store_ends_its_listeners(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        listener = store.broadcast.listen("keys")
        await store.broadcast.publish("keys", b"last")
        async with asyncio.timeout(10):
            assert await anext(listener) == b"last"
            store.close()
            assert [message async for message in listener] == []
