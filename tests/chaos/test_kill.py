"""kill -9 of the whole gateway under load: what reached an upstream is in the ledger, once, whatever the moment.

The quick one of these is in `test_budgets_kill`, with budgets.
"""

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.chaos.calls import Call, Load
from tests.chaos.houses import chat, furnish
from tests.journeys.running import House, eventually, journal, records

from triplegate.samples.start import start_samples


def mixed(house: House, key: str, chance: random.Random):
    """A priced API call, a whole answer of a model, a streamed one, or a slow call: in turn, at random."""

    def make(_: int) -> Call:
        kind = chance.random()
        if kind < 0.4:
            return Call(house.port, "/orders/ord_1001", key=key)
        if kind < 0.5:
            return Call(house.port, f"/slow?seconds={chance.uniform(0, 0.3):.3f}", key=key)
        stream = kind < 0.8
        script = {"tokens": 10, "pace": 0.01} if stream else {"text": "Fine, thank you."}
        return Call(house.port, "/v1/chat/completions", key=key, body=chat(script, stream=stream))

    return make


async def kill_often(house: House, folder, kills: int, size: int, seed: int) -> None:
    try:
        await kill_and_check(house, folder, kills, size, random.Random(seed))
        assert await asyncio.to_thread(house.stop) == 0
    finally:
        await asyncio.to_thread(house.kill)  # whatever was found wrong, nothing goes on running


async def kill_and_check(house: House, folder, kills: int, size: int, chance: random.Random) -> None:
    answered: Counter[object] = Counter()
    await asyncio.to_thread(house.start)
    key = await asyncio.to_thread(house.key)
    for number in range(kills):
        if number:
            await asyncio.to_thread(house.start)
        async with Load(size, mixed(house, key, chance)) as load:
            await load.made(size)
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            await asyncio.to_thread(house.kill)
        answered += load.seen
    await asyncio.to_thread(house.start)
    assert answered[200] >= kills * size / 2
    assert set(answered) <= {200, "dropped", "refused", "incomplete"}, answered
    await asyncio.to_thread(settled, house)
    check(house, folder / "journal.jsonl", answered[200])
    await asyncio.to_thread(compare_usage, house)


def settled(house: House) -> None:
    """The files of the dead are adopted and booked, and the ledger has everything."""
    spool = house.directory / ".triplegate" / "spool"
    house.usage("route")
    eventually(lambda: len(list(spool.glob("*.lock"))) == 1, 15.0, 0.1)
    house.usage("route")
    told = house.metrics()
    assert told['triplegate_spool_entries{triplegate_spool="billed"}'] == 0
    assert not [name for name in told if name.startswith("triplegate_degraded_parts")]


def check(house: House, log, answered: int, *, broken_off: bool = True) -> None:
    upstream = {line["id"] for line in journal(log) if line["event"] == "request"}
    rows = records(house.directory)
    last = Counter(row["exchange"] for row in rows)
    missing = [name for name in upstream if last[name] != 1]
    assert missing == [], f"{len(missing)} of {len(upstream)} calls that an upstream saw have no record, or several"
    surplus = [row for row in rows if row["exchange"] not in upstream]
    assert {row["kind"] for row in surplus} <= {"unknown"}, surplus
    kinds = Counter(row["kind"] for row in rows)
    assert kinds["final"] >= answered
    unknown = [row for row in rows if row["kind"] == "unknown"]
    assert not broken_off or unknown, "no kill came between an intent and its end"
    assert all(row["outcome"] == "unknown" and row["org"] == "acme" for row in unknown)


def compare_usage(house: House) -> None:
    """The report is the sum of the records, to the last digit."""
    rows = records(house.directory)
    report = house.usage("route")
    for (route,), row in report.items():
        mine = [one for one in rows if one["route"] == route]
        if mine:
            assert row["requests"] == len(mine), route
            assert round(float(row["cost"]) * 1e10) == sum(one["cost"] for one in mine), route
    assert {(one["route"],) for one in rows} <= set(report)
    compare_sums(house)


def compare_sums(house: House) -> None:
    """Hours and days hold what the rows do, whenever the process died."""
    rows = """SELECT route, COUNT(DISTINCT exchange), SUM(cost), SUM(bytes_out), SUM(input_uncached), SUM(output_text)
        FROM records GROUP BY 1 ORDER BY 1"""
    sums = """SELECT route, SUM(requests), SUM(cost), SUM(bytes_out), SUM(input_uncached), SUM(output_text)
        FROM %s WHERE cache <> '' GROUP BY 1 ORDER BY 1"""
    with closing(sqlite3.connect(house.directory / ".triplegate" / "triplegate.db", timeout=5)) as database:
        written = database.execute(rows).fetchall()
        for table in ("rollups_hour", "rollups_day"):
            assert database.execute(sums % table).fetchall() == written, table


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(5))
async def test_fifty_kills_under_load_lose_no_call_and_charge_none_twice(tmp_path, seed):
    log = tmp_path / "journal.jsonl"
    with start_samples(journal=log) as samples:
        furnish(tmp_path, samples)
        await kill_often(House(tmp_path), tmp_path, 10, 50, seed)


@pytest.mark.long
async def test_a_spool_file_that_a_kill_cut_short_is_no_reason_not_to_start(tmp_path):
    """The last entry of a dead process may be half written: everything before it counts."""
    with start_samples(journal=tmp_path / "journal.jsonl") as samples:
        furnish(tmp_path, samples)
        house = House(tmp_path)
        await asyncio.to_thread(house.start)
        key = await asyncio.to_thread(house.key)
        with closing(sqlite3.connect(tmp_path / ".triplegate" / "triplegate.db", timeout=5)) as busy:
            busy.execute("BEGIN IMMEDIATE")  # nothing is drained: the records wait in the spool
            async with Load(5, lambda _: Call(house.port, "/orders/ord_1001", key=key)) as load:
                await load.made(50)
            await asyncio.to_thread(house.kill)
        [file] = (tmp_path / ".triplegate" / "spool" / "billed").glob("*.spool")
        with file.open("ab") as end:
            end.write(b"\x40\x00\x00\x00half")
        started = time.monotonic()
        await asyncio.to_thread(house.start)
        assert time.monotonic() - started < 15
        await asyncio.to_thread(settled, house)
        check(house, tmp_path / "journal.jsonl", load.seen[200], broken_off=False)
        assert await asyncio.to_thread(house.stop) == 0


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_twenty_kills_of_workers_under_load_lose_no_call_and_charge_none_twice(tmp_path):
    chance = random.Random(26)
    log = tmp_path / "journal.jsonl"
    with start_samples(journal=log) as samples:
        furnish(tmp_path, samples, settings="allow_local_limits: true")
        with House(tmp_path, "serve", "--workers", "3") as house:
            key = await asyncio.to_thread(house.key)
            async with Load(30, mixed(house, key, chance)) as load:
                for _ in range(20):
                    await load.made(60)
                    os.kill(chance.choice(workers(house)), signal.SIGKILL)
                    await asyncio.sleep(chance.uniform(0.0, 2.0))
            assert set(load.seen) <= {200, "dropped", "refused", "incomplete"}, load.seen
            await asyncio.to_thread(eventually, lambda: len(workers(house)) == 3, 15.0)
            await asyncio.to_thread(settled_of, house, 3)
            check(house, log, load.seen[200])
            await asyncio.to_thread(compare_usage, house)


def workers(house: House) -> list[int]:
    pid = house.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def settled_of(house: House, count: int) -> None:
    spool = house.directory / ".triplegate" / "spool"
    eventually(lambda: reports(house), 20.0, 0.2)
    eventually(lambda: len(list(spool.glob("*.lock"))) == count, 20.0, 0.1)
    house.usage("route")


def reports(house: House) -> bool:
    """Whether the control plane answers: its worker may have been the last one to be killed."""
    try:
        house.usage("route")
    except httpx.HTTPError:
        return False
    return True
