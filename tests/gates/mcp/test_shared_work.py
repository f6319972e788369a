"""Work done once for all who wait, whoever of them leaves."""

import asyncio

import pytest

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.shared_work import SharedWork
from triplegate.upstreams.supervisor import TaskSupervisor


@pytest.fixture
async def supervisor():
    made = TaskSupervisor(limit=2)
    yield made
    await made.close(1)


async def test_it_runs_once_and_outlives_whoever_asked_first(supervisor):
    shared, go, runs = SharedWork(), asyncio.Event(), []

    async def work():
        runs.append(1)
        await go.wait()
        return len(runs)

    waiting = [asyncio.get_running_loop().create_task(shared.get(supervisor, work, "w")) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait({waiting[0]}, timeout=5)
    go.set()
    assert await asyncio.wait_for(asyncio.gather(*waiting[1:]), 5) == [1, 1, 1, 1]
    assert await shared.get(supervisor, work, "w") == 2


async def test_everybody_hears_of_a_failure_and_the_next_one_tries_again(supervisor):
    shared = SharedWork()

    async def fail():
        raise Refusal("upstream_failed", "no")

    async def work():
        return "fine"

    results = await asyncio.gather(*[shared.get(supervisor, fail, "w") for _ in range(3)], return_exceptions=True)
    assert [result.code for result in results] == ["upstream_failed"] * 3
    assert await shared.get(supervisor, work, "w") == "fine"
    assert supervisor.failures == 0


async def test_a_full_supervisor_refuses_and_nothing_hangs(supervisor):
    forever = asyncio.Event()
    for _ in range(2):
        supervisor.spawn(forever.wait(), "busy")
    shared = SharedWork()

    async def work():
        return 1

    for _ in range(2):
        with pytest.raises(Refusal, match="overloaded"):
            await asyncio.wait_for(shared.get(supervisor, work, "w"), 5)


async def test_the_end_of_the_process_wakes_whoever_waits(supervisor):
    shared, forever = SharedWork(), asyncio.Event()
    waiting = asyncio.get_running_loop().create_task(shared.get(supervisor, forever.wait, "w"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await supervisor.close(1)
    with pytest.raises(Refusal, match="draining"):
        await asyncio.wait_for(waiting, 5)
