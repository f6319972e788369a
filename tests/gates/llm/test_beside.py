"""What would hold up the loop runs in a thread, and no more waits for one than is bounded."""

import asyncio
import threading

import pytest
from tests.builders import make_kit

from triplegate.core.errors import Refusal
from triplegate.gates.llm import beside
from triplegate.gates.llm.beside import Beside


async def test_work_runs_in_few_threads_of_its_own():
    begun, go_on = threading.Barrier(beside.THREADS + 1), threading.Event()

    def work(number):
        if number < beside.THREADS:
            begun.wait(5)
        go_on.wait(5)
        return threading.get_ident()

    threads = Beside()
    running = [asyncio.ensure_future(threads.run(work, number)) for number in range(6)]
    await asyncio.to_thread(begun.wait, 5)
    go_on.set()
    seen = set(await asyncio.gather(*running))
    assert len(seen) <= beside.THREADS
    assert threading.get_ident() not in seen


async def test_what_it_raises_is_raised():
    def broken():
        raise Refusal("invalid_body", "no")

    with pytest.raises(Refusal, match="no"):
        await Beside().run(broken)


async def test_no_more_wait_than_is_bounded_and_who_leaves_makes_room(monkeypatch):
    monkeypatch.setattr(beside, "MOST", 2)
    go_on = threading.Event()
    threads = Beside()
    first, second = (asyncio.ensure_future(threads.run(go_on.wait, 5)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as caught:
        await threads.run(go_on.wait, 5)
    assert (caught.value.code, caught.value.retry_after) == ("overloaded", 1.0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    third = asyncio.ensure_future(threads.run(go_on.wait, 5))
    await asyncio.sleep(0)
    go_on.set()
    assert await first
    assert await third


def test_it_outlives_a_reload():
    kit = make_kit()
    assert Beside.kept(kit) is Beside.kept(kit)
