"""Work side by side: a few at once, each heard of when it ends, none left behind."""

import asyncio
from functools import partial

import pytest

from triplegate.core.errors import Refusal
from triplegate.gates.llm.abreast import Abreast
from triplegate.upstreams.supervisor import TaskSupervisor


async def test_pieces_are_heard_of_as_they_end_and_few_run_at_once():
    supervisor, gates, running, most = TaskSupervisor(), [asyncio.Event() for _ in range(4)], 0, 0

    async def work(number):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gates[number].wait()
        running -= 1
        return number * 10

    abreast = Abreast(supervisor, [partial(work, number) for number in range(4)], 2, "work")
    order = []
    for number in (1, 0, 3, 2):
        gates[number].set()
        order.append(await asyncio.wait_for(abreast.next(), 10))
    assert (order, most, abreast.left) == ([(1, 10), (0, 0), (3, 30), (2, 20)], 2, 0)


async def test_what_fails_is_told_and_what_nobody_waits_for_ends():
    supervisor, ended = TaskSupervisor(), asyncio.Event()

    async def fail():
        raise ValueError("inside")

    async def hang():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    abreast = Abreast(supervisor, [fail, hang], 2, "work")
    with pytest.raises(Refusal) as caught:
        await asyncio.wait_for(abreast.next(), 10)
    assert (caught.value.code, "inside" in caught.value.reason) == ("internal", True)
    abreast.close()
    await asyncio.wait_for(ended.wait(), 10)


async def test_one_task_does_it_all_where_there_is_room_for_one_only():
    async def work():
        return 1

    abreast = Abreast(TaskSupervisor(limit=1), [work, work], 2, "work")
    assert [await asyncio.wait_for(abreast.next(), 10) for _ in range(2)] == [(0, 1), (1, 1)]
    with pytest.raises(Refusal):
        Abreast(TaskSupervisor(limit=0), [work], 2, "work")
