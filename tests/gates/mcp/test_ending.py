"""A call that is cancelled by a message ends with an error; one that is cancelled otherwise just ends."""

import asyncio
from types import SimpleNamespace

import pytest

from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.gates.mcp.ending import Ending
from triplegate.gates.mcp.frames import Told
from triplegate.wire.mcp_marks import Marks


class Silent(Told):
    answered = done = False
    closed = False
    borne = 0.0

    @property
    def ready(self):
        return False

    async def __anext__(self):
        await asyncio.sleep(30)

    def bear(self, silence):
        self.borne = silence

    def close(self):
        self.closed = True


KIT = SimpleNamespace(mailbox=None, supervisor=None)


def guarded(ending, frames):
    reply = Reply(200, [], frames)
    ending.guard(reply, KIT, Marks(b"pepper"), "s1", b"7")
    return reply


async def test_a_stream_ends_with_an_error_and_its_task_goes_on():
    ending = Ending()
    reply = guarded(ending, Silent())
    assert not reply.frames.ready
    asyncio.get_running_loop().call_soon(ending.end)
    with pytest.raises(Refusal, match="call_cancelled"):
        await reply.frames.__anext__()
    ending.end()  # once is enough
    await asyncio.sleep(0)


async def test_another_cancellation_stays_one():
    async def work():
        reply = guarded(Ending(), Silent())
        await reply.frames.__anext__()

    task = asyncio.get_running_loop().create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_no_stream_is_left_alone():
    assert guarded(Ending(), OneFrame(b"x")).frames.content == b"x"
    silent = Silent()
    frames = guarded(Ending(), silent).frames
    frames.bear(5)
    frames.close()
    assert (silent.borne, silent.closed) == (5, True)
