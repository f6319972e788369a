"""The ledger's database or disk is away while budgets are spent: nothing is lost, and no budget errs by a unit."""

import asyncio
import contextlib
import json
import subprocess
import time
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from tests.chaos.budgeted import (
    UNITS,
    Truth,
    check_budgets,
    check_ledger,
    check_rows,
    furnish_budgets,
    keys_of,
    order,
    said,
)
from tests.chaos.calls import Call, Load, ask, cuts
from tests.chaos.test_store_away import resident, waiting
from tests.journeys.running import House, eventually, records
from tests.servers.postgres import PostgresServer

from triplegate.core.money import to_dollars
from triplegate.samples.start import start_samples

SLOWEST_DRAIN = 500
"""Records a second, on a machine that does much else; what was seen is printed."""
GROWTH = 20
"""MiB."""


@pytest.fixture
def world(tmp_path):
    """The samples with a journal, and a folder of the house's own."""
    log = tmp_path / "journal.jsonl"
    folder = tmp_path / "house"
    folder.mkdir()
    with start_samples(journal=log) as samples:
        samples.log = log
        yield samples, folder


def mixed(house: House, keys: dict[str, str]):
    """Priced calls, every tenth one of a model."""

    def make(number: int) -> Call:
        key = keys["cd" if number % 3 else "ci"]
        if number % 10:
            return order(house, key)
        return Call(house.port, "/v1/chat/completions", key=key, body=said(5, stream=number % 20 == 0))

    return make


def shown(house: House) -> dict[str, tuple[str, str]]:
    """Budget → what was spent and is held of it."""
    return {one["budget"]: (one["spent"], one["held"]) for one in house.admin("GET", "/budgets").json()}


# the database ------------------------------------------------------------------------------------------------------
async def outage(samples, folder: Path, postgres: PostgresServer, seconds: float, size: int) -> None:
    furnish_budgets(folder, samples, settings=f"store: {postgres.url}")
    with House(folder) as house:
        keys = await asyncio.to_thread(keys_of, house)
        async with Load(size, mixed(house, keys), pause=0.1) as load:
            await load.made(10 * size)
            await asyncio.to_thread(eventually, lambda: waiting(house) < 2 * size, 10.0)
            before = await asyncio.to_thread(resident, house)
            postgres.kill()
            began, made = time.monotonic(), sum(load.seen.values())
            await asyncio.sleep(seconds)
            pace = (sum(load.seen.values()) - made) / (time.monotonic() - began)
            grown = await asyncio.to_thread(resident, house) - before
        assert set(load.seen) == {200}, load.seen
        waited = await asyncio.to_thread(waiting, house)
        assert waited > size * seconds
        postgres.start()
        seconds = await asyncio.to_thread(drained, house, waited)
        speed = waited / 2 / seconds  # an intent and a final for each record
        print(f"\n{pace:.0f} calls/s while away, {waited:.0f} entries, {grown} MiB more, drained {speed:.0f} records/s")
        assert grown <= GROWTH
        assert speed > SLOWEST_DRAIN
        connection = await asyncpg.connect(postgres.url, timeout=10)
        try:
            rows = [dict(row) for row in await connection.fetch("SELECT * FROM records")]
            kinds = check_rows(rows, samples.log)
            assert kinds == {"final": load.seen[200]}
            assert kinds["final"] == len(Truth(samples.log).asked)
        finally:
            await connection.close()
        spent = sum(row["cost"] for row in rows)
        found = await asyncio.to_thread(shown, house)
        assert (round(float(found["org:acme"][0]) * UNITS), found["org:acme"][1]) == (spent, "0")
        await check_budgets(house, keys)


def drained(house: House, most: float) -> float:
    """Seconds from the first that went into the ledger to the last."""
    eventually(lambda: waiting(house) < most, 20.0, 0.1)
    begun = time.monotonic()
    eventually(lambda: waiting(house) == 0, 60.0, 0.1)
    return time.monotonic() - begun


@pytest.fixture
def postgres():
    server = PostgresServer().start()
    yield server
    server.stop()


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_database_away_for_a_minute_costs_no_record_and_no_unit(world, postgres):
    await outage(*world, postgres, 60.0, 30)


# the disk ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def small_disk(world):
    """What the house keeps is on a disk of its own, where this user may make one."""
    place = world[1] / ".triplegate"
    place.mkdir(mode=0o700)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs", place], capture_output=True)
    if made.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """Take all that is left of a disk, to the last byte."""
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        for size in (65_536, 512, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
    return ballast


async def test_on_a_full_disk_nobody_spends_and_afterwards_every_unit_is_accounted_for(world, small_disk):
    samples, folder = world
    furnish_budgets(folder, samples)
    with House(folder) as house:
        keys = await asyncio.to_thread(keys_of, house)
        async with Load(10, mixed(house, keys)) as load:
            await load.made(100)
            ballast = await asyncio.to_thread(fill, small_disk)
            seen: Counter = Counter()
            while not seen[503]:
                seen = load.seen.copy()
                await asyncio.sleep(0.02)
                await asyncio.to_thread(fill, small_disk)
            refused = await ask(house.port, "/orders/ord_1001", key=keys["ci"])
            assert (refused.status, "ledger-full" in refused.text) == (503, True), refused.text
            assert (await ask(house.port, "/health", key=keys["ci"])).status == 200, "what costs nothing goes on"
            told = {
                one["part"]: one["detail"]
                for one in (await asyncio.to_thread(house.admin, "GET", "/status")).json()["degraded"]
            }
            assert "disk full" in str(told), told
            ballast.unlink()
            before = load.seen[200]
            async with asyncio.timeout(20):
                while load.seen[200] < before + 50:
                    await asyncio.sleep(0.02)
        assert set(load.seen) == {200, 503}, load.seen
        await asyncio.to_thread(eventually, lambda: (house.usage("team"), waiting(house) == 0)[1], 20.0, 0.1)
        found = check_ledger(folder, samples.log)
        assert set(found) == {"final"}
        spent = Counter()
        for row in (rows := await asyncio.to_thread(records, folder)):
            spent["acme"] += row["cost"]
            spent[row["consumer"]] += row["cost"] if row["team"] == "web" else 0
        counted = await asyncio.to_thread(shown, house)
        assert counted["org:acme"] == (f"{to_dollars(spent['acme']).normalize():f}", "0"), len(rows)
        assert counted["consumer:acme/web/ci"] == (f"{to_dollars(spent['ci']).normalize():f}", "0")


# the database that counts budgets, too -----------------------------------------------------------------------------
@pytest.mark.long
@pytest.mark.timeout(120)
async def test_where_the_database_counts_budgets_nobody_spends_while_it_is_away_and_streams_are_charged_once(
    world, postgres
):
    samples, folder = world
    furnish_budgets(folder, samples, settings=f"state: sql\nstore: {postgres.url}")
    with House(folder) as house:
        keys = await asyncio.to_thread(keys_of, house)
        streams = [stepped(house, keys["ci"], number) for number in range(20)]
        async with cuts(streams):
            await asyncio.gather(*(stream.begin() for stream in streams))
            assert {stream.status for stream in streams} == {200}
            postgres.kill()
            seen = [(await ask(house.port, "/orders/ord_1001", key=keys["ci"])).status for _ in range(20)]
            assert set(seen) == {503}, "what was spent cannot be known"
            assert (await ask(house.port, "/health", key=keys["ci"])).status == 200
            await release(samples, range(10))
            await asyncio.gather(*(stream.finish() for stream in streams[:10]))
            await asyncio.sleep(3.0)
            postgres.start()
            await release(samples, range(10, 20))
            await asyncio.gather(*(stream.finish() for stream in streams[10:]))
        assert all(stream.complete and b"[DONE]" in stream.raw for stream in streams)
        await asyncio.to_thread(eventually, lambda: waiting(house) == 0, 20.0, 0.1)
        await asyncio.to_thread(eventually, lambda: shown(house)["org:acme"][1] == "0", 30.0, 0.2)
        worth = sum(Truth(samples.log).cost(stream.id) for stream in streams)
        for name in ("org:acme", "team:acme/web", "consumer:acme/web/ci"):
            found = await asyncio.to_thread(shown, house)
            assert round(float(found[name][0]) * UNITS) == worth, name
        await check_budgets(house, keys)


def stepped(house: House, key: str, number: int) -> Call:
    """A stream that goes on when its latch is let go."""
    body = said(6)
    body["messages"][0]["content"] = json.dumps({"script": {"tokens": 6, "latch": f"s{number}"}})
    return Call(house.port, "/v1/chat/completions", key=key, body=body)


async def release(samples, streams: range) -> None:
    for number in streams:
        await ask(samples.ports["llm"], f"/control/latch/s{number}?release=100", body={})
