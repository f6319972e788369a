"""The database goes away and comes back: calls go on, and each is booked once. What must be there at start is told."""

import asyncio
import socket
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.chaos.calls import Call, Load, ask
from tests.chaos.houses import furnish
from tests.journeys.running import House, eventually, free_port, journal
from tests.servers.postgres import PostgresServer

from triplegate.samples.start import start_samples
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import records


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    log = tmp_path_factory.mktemp("samples") / "journal.jsonl"
    with start_samples(journal=log) as running:
        running.log = log
        yield running


@pytest.fixture
def postgres():
    server = PostgresServer().start()
    yield server
    server.stop()


async def rows(url: str) -> Counter:
    """Exchange → records."""
    database = Database(url)
    try:
        async with database.reading() as connection:
            return Counter(await connection.scalars(sa.select(records.c.exchange)))
    finally:
        await database.close()


def resident(house: House) -> int:
    """MiB that the gateway holds now."""
    text = Path(f"/proc/{house.process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def waiting(house: House) -> float:
    return house.metrics()['triplegate_spool_entries{triplegate_spool="billed"}']


async def outage(samples, postgres, folder, seconds: float, size: int) -> None:
    furnish(folder, samples, settings=f"store: {postgres.url}")
    with House(folder) as house:
        key = await asyncio.to_thread(house.key)
        seen = len(journal(samples.log))
        async with Load(size, lambda _: Call(house.port, "/orders/ord_1001", key=key), pause=0.1) as load:
            await load.made(5 * size)
            await asyncio.to_thread(eventually, lambda: waiting(house) < 2 * size, 5.0)
            before = await asyncio.to_thread(resident, house)
            postgres.kill()
            await asyncio.sleep(seconds)
            status = await asyncio.to_thread(house.admin, "GET", "/config")
            assert status.status_code == 200 or status.status_code >= 500  # sign-ins are in the database, too
            assert await asyncio.to_thread(waiting, house) > size * seconds
            shown = await asyncio.to_thread(house.metrics)
            assert shown['triplegate_degraded_parts{triplegate_part="ledger"}'] == 1
            grown = await asyncio.to_thread(resident, house) - before
            postgres.start()
            await load.made(2 * size)
        assert set(load.seen) == {200}, load.seen
        assert grown < 20
        await asyncio.to_thread(eventually, lambda: waiting(house) == 0, 20.0, 0.1)
        booked = await rows(postgres.url)
        upstream = {line["id"] for line in journal(samples.log)[seen:] if line["event"] == "request"}
        assert len(upstream) == load.seen[200]
        assert [name for name in upstream if booked[name] != 1] == []
        assert set(booked) == upstream
        report = (await asyncio.to_thread(house.usage, "route"))[("orders",)]
        assert report["requests"] == len(upstream)


async def test_a_database_away_for_five_seconds_loses_no_record_and_books_none_twice(samples, postgres, tmp_path):
    await outage(samples, postgres, tmp_path, 5.0, 10)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_database_away_for_a_minute_loses_no_record_and_books_none_twice(samples, postgres, tmp_path):
    await outage(samples, postgres, tmp_path, 60.0, 20)


# at the start ------------------------------------------------------------------------------------------------------
def refused(house: House) -> str:
    """What a house says that must not start; its status is 1."""
    try:
        with pytest.raises(AssertionError, match="it ended"):
            house.start()
        assert house.process.wait(5) == 1
    finally:
        house.stop()  # one that started after all
    said = "\n".join(house.lines)
    assert "Traceback" not in said
    assert "ready" not in said
    return said


def taken(house: House) -> set[int]:
    """Which of its ports somebody listens on."""
    found = set()
    for port in (house.port, house.admin_port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            continue
        found.add(port)
    return found


def test_a_port_that_somebody_else_has_is_named_before_anything_starts(samples, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    furnish(first, samples)
    furnish(second, samples)
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        said = refused(House(second, TRIPLEGATE_PORT=str(port)))
        assert f"port {port} on 127.0.0.1 is in use" in said
        assert "choose another port (TRIPLEGATE_PORT, TRIPLEGATE_ADMIN_PORT)" in said
        said = refused(House(second, TRIPLEGATE_ADMIN_PORT=str(port)))
        assert f"port {port} on 127.0.0.1 is in use" in said
    with House(first) as house:
        said = refused(House(second, TRIPLEGATE_PORT=str(house.port)))
        assert f"port {house.port} on 127.0.0.1 is in use, perhaps by another triplegate" in said
        answers = [asyncio.run(ask(house.port, "/public/health")).status for _ in range(20)]
        assert answers == [200] * 20, "the one that was there first keeps all of its connections"
    assert not (second / ".triplegate").exists()


@pytest.mark.long  # a store is given ten seconds
def test_a_database_that_is_locked_or_away_is_named_with_what_to_do(samples, tmp_path):
    locked, away = tmp_path / "locked", tmp_path / "away"
    port = free_port()
    for folder, settings in ((locked, ""), (away, f"store: 'postgresql://u:secret@127.0.0.1:{port}/d'")):
        folder.mkdir()
        furnish(folder, samples, settings=settings)
    (locked / ".triplegate").mkdir()
    houses = [House(locked), House(away)]
    said = {}

    def start(house: House) -> None:
        said[house.directory.name] = refused(house)

    with closing(sqlite3.connect(locked / ".triplegate" / "triplegate.db", isolation_level=None)) as busy:
        busy.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        threads = [threading.Thread(target=start, args=(house,)) for house in houses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
        assert time.monotonic() - begun < 45
    assert "triplegate.db cannot be used" in said["locked"]
    assert "Another process writes to it: stop that one" in said["locked"]
    assert f"127.0.0.1:{port}/d cannot be used" in said["away"]
    assert "Start it, or correct `store.url`" in said["away"]
    assert "secret" not in said["away"]
    for house in houses:
        assert taken(house) == set()
