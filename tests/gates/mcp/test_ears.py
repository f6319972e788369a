"""One ear: what it hears, how often, and what it does not."""

import asyncio
from types import SimpleNamespace

from triplegate.gates.mcp.ears import Ear

VIEW = SimpleNamespace(servers=[SimpleNamespace(name="a"), SimpleNamespace(name="b")])


async def test_a_change_is_heard_once_however_often_it_happens():
    ear = Ear(VIEW, ["tools"])
    for _ in range(5):
        ear.changed("tools")
        ear.changed("prompts")
    ear.watch({("a", "mem://x"): "mem://x"})
    ear.updated("a", "mem://x")
    ear.updated("b", "mem://x")
    ear.updated("a", "mem://xy")
    ear.updated("a", "mem://x/y")  # a server may tell of a part of what was subscribed to
    assert ear.take() == ([("tools", ""), ("updated", "mem://x"), ("updated", "mem://x/y")], [])
    assert ear.take() == ([], [])


async def test_a_slow_one_loses_the_oldest_words():
    ear = Ear(VIEW, [])
    for number in range(1000):
        ear.say(b"%d" % number)
    said = ear.take()[1]
    assert (len(said), said[-1]) == (256, b"999")


async def test_whoever_waits_is_woken_and_else_waits_no_longer_than_asked():
    ear = Ear(VIEW, ["tools"])
    await ear.wait(0.01)
    asyncio.get_running_loop().call_soon(ear.changed, "tools")
    async with asyncio.timeout(5):
        await ear.wait(60)
    ear.take()
    asyncio.get_running_loop().call_soon(ear.end)
    async with asyncio.timeout(5):
        await ear.wait(60)
        await ear.wait(60)
    assert ear.ended


async def test_another_view_is_taken_when_it_is_another_one():
    ear = Ear(VIEW, ["tools"])
    ear.turn(VIEW)
    assert not ear.ready
    other = SimpleNamespace(servers=[SimpleNamespace(name="c")])
    ear.turn(other)
    assert ear.stale
    ear.renew(other)
    assert ear.servers == {"c"}
    assert ear.take() == ([("tools", "")], [])
