"""kill -9 at any moment: each call the upstream saw has exactly one row, and nothing is invented."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.chaos.spool_child import CONCURRENT
from tests.servers.postgres import PostgresServer
from tests.stores.ledger_records import intent, record, unpriced
from tests.stores.sql.databases import opened

from triplegate.core.clock import SystemClock
from triplegate.stores.spool import Spool
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import records, rollups, spool_offsets

ROOT = Path(__file__).resolve().parents[2]
_LINE = 27
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def logged(path: Path) -> list[str]:
    """The whole lines of a log whose writer was killed."""
    content = path.read_bytes() if path.exists() else b""
    return [content[at : at + _LINE - 1].decode() for at in range(0, len(content) - len(content) % _LINE, _LINE)]


def milliseconds(name: str) -> int:
    """When an id was made."""
    return sum(CROCKFORD.index(letter) << 5 * place for place, letter in enumerate(reversed(name[:10])))


def young(lines: list[str]) -> int:
    """How many unpriced calls of a life may still have been in memory at its end: those of its last 100 ms, and as many
    as two turns of the loop make.
    """
    return 2 * CONCURRENT + sum(1 for line in lines if milliseconds(line) >= milliseconds(lines[-1]) - 100)


def run_and_kill(folder: Path, calls: int, chance: random.Random) -> int:
    """Kill the child at a random moment after it made `calls` more calls; how many unpriced ones that may cost."""
    log, unpriced_log = folder / "upstream.log", folder / "unpriced.log"
    before = len(logged(unpriced_log))
    goal = len(logged(log)) + calls
    child = subprocess.Popen([sys.executable, "-m", "tests.chaos.spool_child", str(folder)], cwd=ROOT)
    end = time.monotonic() + 30
    while not log.exists() or log.stat().st_size < goal * _LINE:
        assert child.poll() is None, "the child ended by itself"
        assert time.monotonic() < end, "the child makes no calls"
        time.sleep(chance.uniform(0.0, 0.005))
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    return young(logged(unpriced_log)[before:])


async def check(database: Database, folder: Path, kills: int, most_lost: int) -> None:
    upstream = logged(folder / "upstream.log")
    async with database.reading() as connection:
        rows = list(await connection.execute(sa.select(records.c.exchange, records.c.kind)))
        requests = int(await connection.scalar(sa.select(sa.func.sum(rollups.c.requests))) or 0)
        offsets = list(await connection.scalars(sa.select(spool_offsets.c.file)))
    each = Counter(row.exchange for row in rows)
    assert [name for name in upstream if each[name] != 1] == []
    surplus = {row.exchange: row.kind for row in rows if row.exchange not in set(upstream)}
    assert set(surplus.values()) <= {"unknown"}
    assert len(surplus) <= kills, "at most the one call between its intent and its upstream"
    kinds = Counter(row.kind for row in rows)
    assert kinds["final"] > 0
    assert kinds["unknown"] <= 50 * kills
    unpriced = len(logged(folder / "unpriced.log"))
    # unpriced entries of 100 ms share a write: a kill may cost those, and no others
    assert unpriced - most_lost <= requests <= unpriced + kills
    assert len(offsets) <= kills + 2, "offsets of files that are gone are forgotten"


async def kill_often(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    async with opened(f"sqlite:///{folder}/ledger.db") as database:
        most_lost = sum([run_and_kill(folder, chance.randrange(1, 800), chance) for _ in range(kills)])
        spool = Spool(folder / "spool", "node", SystemClock())
        await spool.drain(SqlLedger(database))
        depth = spool.depth()
        assert (depth["billed"].lost, depth["billed"].dropped, depth["unpriced"].dropped) == (0, 0, 0)
        assert sum(1 for _ in (folder / "spool").rglob("*.spool")) == 0
        spool.close()
        await check(database, folder, kills, most_lost)


async def test_five_kills_lose_nothing_and_charge_nothing_twice(tmp_path: Path) -> None:
    await kill_often(tmp_path, 5, 20_261_124)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(5))
async def test_fifty_kills_lose_nothing_and_charge_nothing_twice(tmp_path: Path, seed: int) -> None:
    await kill_often(tmp_path, 10, seed)


async def test_a_postgresql_killed_under_load_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    server = PostgresServer().start()
    spool = Spool(tmp_path / "spool", "node", SystemClock())
    sent = 0

    async def waiting(*, for_: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not for_():
                await asyncio.sleep(0.002)

    try:
        async with opened(server.url) as database:
            running = asyncio.create_task(spool.run(SqlLedger(database), every=0.01))
            for _ in range(3):
                for _ in range(1_000):
                    spool.intent(intent(f"x{sent}"))
                    spool.append(record(exchange=f"x{sent}"))
                    spool.append(unpriced(f"u{sent}"))
                    sent += 1
                await waiting(for_=lambda: spool.depth()["billed"].entries < 1_900)
                server.kill()
                await waiting(for_=lambda: "DatabaseUnavailable" in spool.failure)
                assert not spool.depth()["billed"].full
                server.start()
            await waiting(for_=lambda: not spool.lag())
            running.cancel()
            async with database.reading() as connection:
                found = await connection.scalar(sa.select(sa.func.count()).select_from(records))
                requests = await connection.scalar(sa.select(sa.func.sum(rollups.c.requests)))
            assert (found, requests) == (sent, sent)
    finally:
        spool.close()
        server.stop()
