"""A stream that asks first: whatever the form of the reply behind it, it is events."""

import asyncio

import msgspec
import pytest

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.gates.mcp import talking as module
from triplegate.gates.mcp.talking import BOX, Asking, TalkFrames, members_of, talk_reply
from triplegate.stores.memory.mailbox import MemoryMailbox
from triplegate.wire.sse import SseReader

CLOCK = SystemClock()
JSON = [(b"content-type", b"application/json")]


def asking(mailbox, questions, seconds=5.0):
    return Asking(mailbox, "b", questions, CLOCK.now() + seconds)


async def all_of(frames):
    reader, events = SseReader(), []
    async for frame in frames:
        events += reader.feed(frame)
    return [event.data for event in events]


async def test_answers_come_in_any_order_and_strangers_are_passed_over():
    mailbox = MemoryMailbox(CLOCK)
    round_ = asking(mailbox, {"a": (b'"1"', members_of("roots/list", b"")), "b": (b'"2"', members_of("x", b"{}"))})

    async def go_on(answers):
        return Reply(200, JSON, OneFrame(msgspec.json.encode({key: raw.decode() for key, raw in answers.items()})))

    for identity, result in (("9", 9), ("2", 2), ("2", 22), ("1", 1)):
        message = msgspec.json.encode({"jsonrpc": "2.0", "id": identity, "result": result})
        await mailbox.append(BOX + "b", message, 5)
    frames = talk_reply(TalkFrames(CLOCK, round_, go_on)).frames
    assert frames.ready
    first, second, third = await all_of(frames)
    assert first == b'{"jsonrpc":"2.0","id":"1","method":"roots/list"}'
    assert second == b'{"jsonrpc":"2.0","id":"2","method":"x","params":{}}'
    assert msgspec.json.decode(third) == {"a": "1", "b": "2"}
    assert frames.answered


async def test_json_of_several_lines_is_still_one_event():
    async def go_on(answers):
        return Reply(200, JSON, OneFrame(b'{\r\n "a":\n"\\n"}'))

    frames = TalkFrames(CLOCK, asking(MemoryMailbox(CLOCK), {}), go_on)
    assert [msgspec.json.decode(data) for data in await all_of(frames)] == [{"a": "\n"}]


async def test_silence_is_filled_with_signs_of_life_until_it_lasts_too_long(monkeypatch):
    monkeypatch.setattr(module, "_STILL_HERE", 0.01)
    frames = TalkFrames(CLOCK, asking(MemoryMailbox(CLOCK), {"a": (b'"1"', b'"method":"x"')}, 0.1), None)
    await frames.__anext__()
    assert await frames.__anext__() == b": \n\n"
    with pytest.raises(Refusal, match="question_unanswered"):
        async with asyncio.timeout(5):
            await all_of(frames)
    frames.close()


async def test_an_error_answers_nothing():
    mailbox = MemoryMailbox(CLOCK)
    await mailbox.append(BOX + "b", b'{"jsonrpc":"2.0","id":"1","error":{"code":-1,"message":"no"}}', 5)
    frames = TalkFrames(CLOCK, asking(mailbox, {"a": (b'"1"', b'"method":"x"')}), None)
    with pytest.raises(Refusal, match="question_unanswered"):
        await all_of(frames)


async def test_a_round_may_lead_to_another():
    rounds = []

    async def go_on(answers):
        rounds.append(answers)
        return asking(MemoryMailbox(CLOCK), {}) if len(rounds) < 3 else Reply(200, JSON, OneFrame(b"{}"))

    frames = TalkFrames(CLOCK, asking(MemoryMailbox(CLOCK), {}), go_on)
    assert await all_of(frames) == [b"{}"]
    assert len(rounds) == 3
