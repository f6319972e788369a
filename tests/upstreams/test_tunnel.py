"""A tunnel carries bytes both ways, and neither side can drown the other."""

import asyncio

from tests.hostile.scripted import DISPATCH, Upstream, pool_to

SWITCH = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
MEGA = 1024 * 1024


async def opened(pool):
    return (await pool.upgrade(b"/ws", [(b"host", b"a")], DISPATCH)).frames


async def test_a_tunnel_that_is_not_read_stops_the_upstream():
    sent = 0

    async def script(talk):
        nonlocal sent
        await talk.head()
        await talk.say(SWITCH)
        for _ in range(32):
            await talk.say(b"x" * MEGA)
            sent += MEGA

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        tunnel = await opened(pool)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 16 * MEGA
        total = 0
        async for piece in tunnel:
            total += len(piece)
        assert total == 32 * MEGA
        assert tunnel.done


async def test_drain_waits_until_the_upstream_reads():
    go = asyncio.Event()

    async def script(talk):
        await talk.head()
        await talk.say(SWITCH)
        talk.writer.transport.pause_reading()
        await go.wait()
        talk.writer.transport.resume_reading()
        assert len(await talk.read(32 * MEGA)) == 32 * MEGA

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        tunnel = await opened(pool)

        async def fill():
            for _ in range(32):
                tunnel.write(b"x" * MEGA)
                await tunnel.drain()

        task = asyncio.ensure_future(fill())
        await asyncio.sleep(0.1)
        assert not task.done()
        go.set()
        await asyncio.wait_for(task, 5)
        await upstream.until_idle()
        assert await tunnel.read() == b""


async def test_close_sends_what_was_written_and_is_idempotent():
    async def script(talk):
        await talk.head()
        await talk.say(SWITCH)
        assert await talk.reader.read() == b"goodbye"

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        tunnel = await opened(pool)
        tunnel.write(b"goodbye")
        tunnel.close()
        tunnel.close()
        await upstream.until_idle()
        await upstream.until(lambda: pool.counters().open == 0)
        tunnel.write(b"nobody")
        assert await tunnel.read() == b""


async def test_closing_the_pool_ends_its_tunnels():
    async def script(talk):
        await talk.head()
        await talk.say(SWITCH)
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        tunnel = await opened(pool)
        reading = asyncio.ensure_future(tunnel.read())
        await asyncio.sleep(0)
        pool.close()
        assert await asyncio.wait_for(reading, 2) == b""
        await upstream.until_idle()
