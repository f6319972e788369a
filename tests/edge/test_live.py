"""The exchanges under way: who is watched, and how one waits for the last."""

import asyncio

from tests.builders import make_exchange

from triplegate.edge import live as module
from triplegate.edge.live import Live


class Wire:
    departs = False

    def __init__(self):
        self.swept = False
        self.watched = self.checked = self.stopped = 0

    def watch(self):
        assert self.swept
        self.watched += 1

    def check_stall(self, now):
        self.checked += 1

    def stop(self):
        self.stopped += 1


async def test_only_what_outlives_a_sweep_is_watched(monkeypatch):
    monkeypatch.setattr(module, "SWEEP", 0.01)
    live, old = Live(), Wire()
    live.wires[old] = make_exchange()
    live.start()
    async with asyncio.timeout(5):
        while not old.swept:
            await asyncio.sleep(0)
        assert (old.watched, old.checked) == (0, 0)
        while old.checked < 2:
            await asyncio.sleep(0.001)
    live.stop()
    seen = old.checked
    await asyncio.sleep(0.03)
    assert (old.checked, old.watched) == (seen, seen)


def test_two_sweeps_are_soon_enough_for_a_quarter_second():
    assert 2 * module.SWEEP <= 0.25


async def test_the_drain_waits_for_the_last_and_no_longer_than_told():
    live, wire = Live(), Wire()
    assert await live.empty(0)
    live.wires[wire] = make_exchange()
    assert not await live.empty(0.01)
    waiting = asyncio.ensure_future(live.empty(5))
    await asyncio.sleep(0)
    del live.wires[wire]
    live.idle.set()
    assert await waiting


def test_all_can_be_ended_and_seen():
    live, wires = Live(), [Wire(), Wire()]
    exchanges = [make_exchange() for _ in wires]
    live.wires.update(zip(wires, exchanges, strict=True))
    assert (len(live), list(live.exchanges())) == (2, exchanges)
    live.stop_all()
    assert [wire.stopped for wire in wires] == [1, 1]
    live.stop()  # never started: nothing happens


async def test_the_drain_tells_those_to_leave_that_would_not_end_by_themselves():
    live, stays, leaves = Live(), Wire(), Wire()
    leaves.departs = True
    for wire in (stays, leaves):
        live.enter(wire, make_exchange())
    assert live.refusal(3) is None
    assert live.refusal(2).code == "overloaded"
    leaving = asyncio.ensure_future(live.depart(5))
    await asyncio.sleep(0)
    assert (stays.stopped, leaves.stopped, live.refusal(3).code) == (0, 1, "draining")
    live.exit(leaves)
    async with asyncio.timeout(5):
        await leaving
    live.enter(leaves, make_exchange())
    async with asyncio.timeout(5):
        await live.depart(0.01)  # who does not leave is not waited for without end
    live.idle.clear()
    live.exit(stays)
    assert not live.idle.is_set()
    live.exit(leaves)
    assert live.idle.is_set()
