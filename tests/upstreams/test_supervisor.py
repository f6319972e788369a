"""Tasks are counted, bounded, and gone at the end."""

import asyncio

import pytest

from triplegate.core.errors import Refusal
from triplegate.upstreams.supervisor import TaskSupervisor


async def test_work_runs_and_is_forgotten():
    supervisor = TaskSupervisor()
    ran = asyncio.Event()

    async def work():
        ran.set()

    supervisor.spawn(work(), "work")
    assert supervisor.running == 1
    await ran.wait()
    await asyncio.sleep(0)
    assert supervisor.running == 0
    await supervisor.close()


async def test_a_full_supervisor_refuses_and_closes_the_work():
    supervisor = TaskSupervisor(limit=1)
    cancel = supervisor.spawn(asyncio.sleep(60), "first")
    second = asyncio.sleep(60)
    with pytest.raises(Refusal, match="overloaded"):
        supervisor.spawn(second, "second")
    assert second.cr_frame is None, "a closed coroutine warns nobody"
    assert supervisor.refused == 1
    cancel()
    await asyncio.sleep(0.01)
    supervisor.spawn(asyncio.sleep(0), "third")
    await supervisor.close()


async def test_close_cancels_awaits_and_takes_no_more():
    supervisor = TaskSupervisor()
    cleaned = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(True)

    for _ in range(3):
        supervisor.spawn(work(), "work")
    await asyncio.sleep(0)
    await supervisor.close()
    assert len(cleaned) == 3
    assert supervisor.running == 0
    with pytest.raises(Refusal, match="overloaded"):
        supervisor.spawn(work(), "late")


async def test_a_failure_is_counted_and_named():
    supervisor = TaskSupervisor()

    async def work():
        raise ValueError("why")

    supervisor.spawn(work(), "mirror")
    await asyncio.sleep(0.01)
    assert supervisor.failures == 1
    assert supervisor.last_failure == "mirror: ValueError('why')"
    await supervisor.close()
