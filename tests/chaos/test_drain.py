"""SIGTERM with hundreds of streams open: those that end in time complete, the others are told, none is lost."""

import asyncio
import signal
import time
from collections import Counter

import httpx
import pytest
from tests.chaos.calls import Call, Load, ask, cuts
from tests.chaos.houses import chat, furnish
from tests.journeys.running import House, eventually, records

from triplegate.samples.start import start_samples

GRACE = 2.0


@pytest.fixture(scope="module")
def samples():
    with start_samples() as running:
        yield running


@pytest.fixture
def house(samples, tmp_path):
    furnish(tmp_path, samples, settings=f"drain: {{grace: {GRACE:g}s}}")
    running = House(tmp_path)
    yield running.start()
    running.stop()


def readiness(house: House) -> tuple[int, str]:
    answer = httpx.get(f"{house.admin_url}/readyz", timeout=5, trust_env=False)
    return answer.status_code, answer.text


async def started(calls: list[Call]) -> None:
    async def one(call: Call) -> None:
        await call.begin()
        await call.until(lambda raw: b"data:" in raw)

    for at in range(0, len(calls), 50):
        await asyncio.gather(*map(one, calls[at : at + 50]))


async def test_streams_that_end_within_the_grace_complete_and_the_others_are_told(house):
    key = await asyncio.to_thread(house.key)
    short = {"tokens": 50, "pace": 0.02}
    endless = {"tokens": 50_000, "pace": 0.1}
    ending = [Call(house.port, "/orders/stream?interval=0.2&count=6", key=key) for _ in range(60)]
    ending += [Call(house.port, "/v1/chat/completions", key=key, body=chat(short, stream=True)) for _ in range(60)]
    told = [Call(house.port, "/v1/chat/completions", key=key, body=chat(endless, stream=True)) for _ in range(40)]
    cut = [Call(house.port, "/orders/stream?interval=0.2&count=0", key=key) for _ in range(40)]
    everyone = ending + told + cut
    async with cuts(everyone):
        await started(everyone)
        late = [asyncio.create_task(ask(house.port, "/slow?seconds=60", key=key)) for _ in range(5)]
        async with Load(5, lambda _: Call(house.port, "/orders/ord_1001", key=key), pause=0.02) as load:
            await load.made(20)
            process, begun = house.process, time.monotonic()
            process.send_signal(signal.SIGTERM)
            state = await asyncio.to_thread(eventually, lambda: readiness(house)[0] == 503 and readiness(house))
            assert state == (503, "draining\n")
            await asyncio.gather(*(call.finish() for call in everyone))
            status = await asyncio.to_thread(process.wait, 10)
            took = time.monotonic() - begun
    assert status == 0
    assert GRACE - 0.5 < took < GRACE + 2
    assert {call.status for call in everyone} == {200}
    assert [call for call in ending if not call.complete] == []
    for call in told:
        assert call.complete
        assert '"code":"draining"' in call.text
        assert "[DONE]" not in call.text
    assert [call for call in cut if call.complete] == []
    for answer in await asyncio.gather(*late):  # they had no answer yet when the grace ended
        assert (answer.status, answer.complete, answer.headers["retry-after"]) == (503, True, "1")
        assert "draining" in answer.text
    # what was asked before the signal was answered; afterwards there is no connection any more, never a broken answer
    assert set(load.seen) <= {200, "refused", "dropped"}, load.seen
    assert [what for at, what in load.failures if at < begun - 0.05] == []
    booked(house, everyone)


def booked(house: House, calls: list[Call]) -> None:
    """One record each; everything that a stopped gateway still knew is in the database."""
    rows = Counter(row["exchange"] for row in records(house.directory))
    assert {rows[call.id] for call in calls} == {1}
    outcomes = {row["exchange"]: row["outcome"] for row in records(house.directory)}
    for call in calls:
        well = call.complete and "draining" not in call.text
        assert outcomes[call.id] == ("ok" if well else "failed")


async def test_a_second_signal_does_not_wait_for_the_grace(samples, tmp_path):
    furnish(tmp_path, samples, settings="drain: {grace: 30s}")
    with House(tmp_path) as house:
        key = await asyncio.to_thread(house.key)
        calls = [Call(house.port, "/orders/stream?interval=0.2&count=0", key=key) for _ in range(20)]
        async with cuts(calls):
            await started(calls)
            process, begun = house.process, time.monotonic()
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(eventually, lambda: readiness(house)[0] == 503)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 10) == 0
            assert time.monotonic() - begun < 5
            await asyncio.gather(*(call.finish() for call in calls))
        assert [call for call in calls if call.complete] == []
        booked(house, calls)


@pytest.mark.long
async def test_what_the_ledger_cannot_take_at_the_end_waits_for_the_next_start(samples, tmp_path):
    import sqlite3
    from contextlib import closing

    furnish(tmp_path, samples, settings=f"drain: {{grace: {GRACE:g}s}}")
    house = House(tmp_path)
    await asyncio.to_thread(house.start)
    key = await asyncio.to_thread(house.key)
    with closing(sqlite3.connect(tmp_path / ".triplegate" / "triplegate.db", timeout=5)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        answers = [await ask(house.port, "/orders/ord_1001", key=key) for _ in range(3)]
        begun = time.monotonic()
        assert await asyncio.to_thread(house.stop) == 0
        assert time.monotonic() - begun < GRACE + 9
    await asyncio.to_thread(house.start)
    ids = {answer.id for answer in answers}
    await asyncio.to_thread(house.usage, "route")
    assert sorted(row["exchange"] for row in records(tmp_path) if row["exchange"] in ids) == sorted(ids)
    assert await asyncio.to_thread(house.stop) == 0
