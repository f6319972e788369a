"""A waiting reader costs no connection and no polling, and leaves nothing behind."""

import asyncio

from tests.servers.states import real_time_store


async def test_fifty_waiting_readers_share_one_connection_and_ask_nothing_meanwhile(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        await store._pipeline.call("PING")
        before = len((await store._pipeline.call("CLIENT", "LIST")).splitlines())
        reading = asyncio.gather(*[store.mailbox.read(f"box-{n}", "", 20.0) for n in range(50)])
        async with asyncio.timeout(10):
            while store._subscriptions._pending or len(store._subscriptions._listeners) < 50:
                await asyncio.sleep(0.01)
            await store._pipeline.call("PING")
            commands = (await store._pipeline.call("INFO", "commandstats")).count(b"cmdstat_xrange")
            assert commands == 1
            assert len((await store._pipeline.call("CLIENT", "LIST")).splitlines()) == before
            for n in range(50):
                await store.mailbox.append(f"box-{n}", b"x", 60.0)
            assert [messages[0][1] for messages in await reading] == [b"x"] * 50
        assert not store._subscriptions._listeners


async def test_a_box_of_large_messages_keeps_few(redis_url: str) -> None:
    async with real_time_store(redis_url) as store:
        for _ in range(10):
            await store.mailbox.append("box", bytes(300_000), 60.0)
        assert len(await store.mailbox.read("box", "", 0)) == 3
