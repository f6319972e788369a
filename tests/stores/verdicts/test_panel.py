"""All guards are asked at once; whoever settles the matter ends the wait."""

import asyncio

from tests.builders import make_exchange, make_kit
from tests.stores.verdicts.askers import asker, pieces_with, says

from triplegate.core.errors import Refusal
from triplegate.stores.verdicts.panel import Panel
from triplegate.upstreams.supervisor import TaskSupervisor

HELLO = pieces_with("Hello")


def blocks(heard):
    return heard.told is not None and heard.told.action == "block"


class Meeting:
    """Answers only once so many ask at once."""

    def __init__(self, number):
        self.left, self.all = number, asyncio.Event()

    async def __call__(self, exchange, body, seconds):
        self.left -= 1
        if not self.left:
            self.all.set()
        await self.all.wait()
        return b'{"action": "allow"}'


async def panel_of(*sends, supervisor=None, **more):
    kit = make_kit(supervisor=supervisor or TaskSupervisor())
    askers = [asker(kit, send, str(number), **more) for number, send in enumerate(sends)]
    return Panel(askers, kit.supervisor, blocks)


async def test_they_are_asked_side_by_side_about_every_group():
    meeting = Meeting(4)
    panel = await panel_of(meeting, meeting)
    heard = await panel.hear(make_exchange(), [HELLO, pieces_with("x")])
    assert [sorted(one.guard.name for one in each) for each in heard] == [["0", "1"], ["0", "1"]]
    assert all(one.told is not None for each in heard for one in each)


async def test_nobody_waits_for_the_others_once_it_is_settled():
    gone = asyncio.Event()

    async def hanging(exchange, body, seconds):
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    panel = await panel_of(hanging, says("block"))
    [heard] = await panel.hear(make_exchange(), [HELLO])
    assert [one.guard.name for one in heard] == ["1"]
    await asyncio.wait_for(gone.wait(), 20)


async def test_one_alone_needs_no_task():
    supervisor = TaskSupervisor(limit=0)
    panel = await panel_of(says("allow"), supervisor=supervisor)
    [[heard]] = await panel.hear(make_exchange(), [HELLO])
    assert heard.told is not None


async def test_where_there_is_no_room_for_a_question_there_is_no_verdict():
    panel = await panel_of(says("allow"), says("allow"), supervisor=TaskSupervisor(limit=1))
    [heard] = await panel.hear(make_exchange(), [HELLO])
    assert sorted((one.told is None, one.why) for one in heard) == [(False, ""), (True, "overloaded")]


async def test_it_knows_what_it_can_be_asked():
    kit = make_kit(supervisor=TaskSupervisor())
    both = [asker(kit, says("allow"), "a", largest=10), asker(kit, says("allow"), "b", closed=False)]
    panel = Panel(both, kit.supervisor, blocks)
    assert (panel.largest, panel.open) == (1000, False)
    assert Panel(both[1:], kit.supervisor, blocks).open
    assert isinstance(Refusal("guard_unavailable"), Refusal)
