"""An answer waits for its verdicts; whoever gives up waiting may wait again, and asks nobody twice."""

import asyncio
import contextlib

import pytest
from tests.builders import make_exchange, make_kit
from tests.stores.verdicts.askers import asker, says

from triplegate.core.errors import Refusal
from triplegate.stores.verdicts.answers import AnswerLook
from triplegate.stores.verdicts.bench import Bench, Rules
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Finish, Start

ANSWER = [Start("1", "m"), BlockStart(0, "text"), Delta(0, "Hello"), BlockEnd(0), Finish("stop")]


class Slow:
    """Says nothing until it may."""

    def __init__(self, action="allow"):
        self.asked, self.may, self.gone, self.action = 0, asyncio.Event(), asyncio.Event(), action

    async def __call__(self, exchange, body, seconds):
        self.asked += 1
        try:
            await self.may.wait()
        finally:
            self.gone.set()
        return b'{"action": "%b"}' % self.action.encode()


def watch(send, *, holds=True, supervisor=None, exchange=None, **more):
    kit = make_kit(supervisor=supervisor or TaskSupervisor())
    rules = Rules("g", frozenset({"output"}), holds, holds, reversible=False, beside=False)
    look = AnswerLook(Bench(kit, rules, [asker(kit, send, **more)]), exchange or make_exchange())
    assert look.changes == holds
    return look()


async def test_nothing_but_the_begin_goes_on_before_the_verdict():
    made = watch(says("allow"))
    assert made.feed(ANSWER) == ANSWER[:1]
    await made.judge()
    assert made.finish() == ANSWER[1:]


async def test_what_is_forbidden_is_never_told():
    made = watch(says("block"))
    made.feed(ANSWER)
    with pytest.raises(Refusal) as refused:
        await made.judge()
    assert refused.value.code == "content_blocked"


async def test_whoever_gives_up_waiting_waits_for_the_same_verdict():
    slow = Slow()
    made = watch(slow)
    made.feed(ANSWER)
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await made.judge()
    slow.may.set()
    await made.judge()
    assert slow.asked == 1
    assert made.finish() == ANSWER[1:]


async def test_a_client_that_leaves_leaves_no_question_behind():
    slow, exchange = Slow(), make_exchange()
    made = watch(slow, exchange=exchange)
    made.feed(ANSWER)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await made.judge()
    exchange.close("gone")
    await asyncio.wait_for(slow.gone.wait(), 20)


async def test_where_there_is_no_room_to_ask_nothing_passes():
    made = watch(says("allow"), supervisor=TaskSupervisor(limit=0))
    made.feed(ANSWER)
    with pytest.raises(Refusal) as refused:
        await made.judge()
    assert (refused.value.code, refused.value.reason) == ("guard_unavailable", "overloaded")


async def test_an_answer_without_words_needs_no_verdict():
    made = watch(says("block"))
    made.feed([ANSWER[0], ANSWER[-1]])
    await made.judge()
    assert made.finish() == [ANSWER[-1]]


async def test_beside_the_way_all_passes_and_is_asked_about():
    slow = Slow("block")
    slow.may.set()
    made = watch(slow, holds=False)
    assert made.feed(ANSWER) == ANSWER
    await made.judge()
    assert made.finish() == []
    assert slow.asked == 1


async def test_too_long_an_answer_is_cut_or_goes_on_at_once_where_all_may_fail():
    long = [*ANSWER[:2], *[Delta(0, "x" * 100)] * 11]
    with pytest.raises(Refusal) as refused:
        watch(says("allow")).feed(long)
    assert refused.value.code == "content_unseen"
    made = watch(says("block"), closed=False)
    assert made.feed(long[:5]) == ANSWER[:1]
    assert made.feed(long[5:]) == long[1:]
    assert made.feed(ANSWER[3:]) == ANSWER[3:]
    await made.judge()
    assert made.finish() == []
