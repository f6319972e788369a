"""A reply that is fed piece by piece: times, ends, and who is told."""

import asyncio
import time

import pytest

from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams import coming as module
from triplegate.upstreams.coming import Coming
from triplegate.upstreams.failures import reset

EVENTS = [(b"content-type", b"text/event-stream")]
TIMES = Dispatch(first_byte=5.0, idle=5.0, total=5.0, stream=60.0)


def make():
    told = []
    return Coming("far", lambda: told.append("closed"), lambda: told.append("room")), told


async def test_the_head_is_waited_for_and_the_pieces_come_as_they_were_put():
    coming, told = make()
    asyncio.get_running_loop().call_soon(coming.begin, 200, EVENTS)
    reply = await coming.reply(TIMES, None)
    assert (reply.status, reply.headers, reply.frames.ready) == (200, EVENTS, False)
    coming.put(b"a")
    coming.put(b"b")
    assert await anext(coming) == b"ab"
    asyncio.get_running_loop().call_soon(coming.put, b"c")
    assert await coming.comes(5.0)
    coming.end()
    assert await anext(coming) == b"c"
    assert coming.done
    with pytest.raises(StopAsyncIteration):
        await anext(coming)
    coming.close()
    assert told == ["room", "room"]  # nobody is told of the end of what had ended


@pytest.mark.parametrize(
    ("times", "phase"), [(Dispatch(first_byte=0.02), "first byte"), (Dispatch(total=0.02), "total")]
)
async def test_a_head_that_does_not_come_in_time_is_given_up(times, phase):
    coming, told = make()
    with pytest.raises(Refusal, match="upstream_timeout") as refused:
        await coming.reply(times, None)
    assert phase in refused.value.reason
    assert told == ["closed"]


async def test_silence_is_a_failure_unless_it_is_waited_for_patiently():
    for patient in (False, True):
        coming, _ = make()
        coming.begin(200, EVENTS)
        await coming.reply(Dispatch(idle=0.02, total=5.0), None, patient=patient)
        if patient:
            assert not await coming.comes(0.05)
            continue
        with pytest.raises(Refusal, match="upstream_timeout"):
            await anext(coming)


async def test_asking_again_and_again_does_not_make_silence_longer():
    coming, _ = make()
    coming.begin(200, EVENTS)
    await coming.reply(Dispatch(idle=0.1, total=5.0), None)
    async with asyncio.timeout(5):
        while not await coming.comes(0.03):
            pass
    with pytest.raises(Refusal, match="upstream_timeout"):
        await anext(coming)


async def test_an_answer_ends_with_the_deadline_and_a_stream_of_events_does_not():
    for headers, ends in (([], True), (EVENTS, False)):
        coming, _ = make()
        coming.begin(200, headers)
        await coming.reply(TIMES, time.monotonic() + 0.03)
        assert await coming.comes(0.2) is ends


async def test_a_failure_reaches_who_waits_and_who_comes_later():
    coming, told = make()
    asyncio.get_running_loop().call_soon(coming.end, reset("far", "gone"))
    with pytest.raises(Refusal, match="upstream_reset"):
        await coming.reply(TIMES, None)
    with pytest.raises(Refusal, match="upstream_reset"):
        await anext(coming)
    assert told == []


async def test_whoever_feeds_it_is_told_once_when_nobody_wants_it_and_sees_when_too_much_waits(monkeypatch):
    monkeypatch.setattr(module, "FULL", 3)
    coming, told = make()
    coming.begin(200, [])
    coming.put(b"1234")
    assert coming.full
    coming.close()
    coming.close()
    assert (told, coming.full) == (["closed"], False)
