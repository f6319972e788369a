"""The spool: nothing charged is lost, billed work is refused before it could be, and each lane has its own mark."""

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import intent, record, unpriced
from tests.stores.sql.databases import opened

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.spool import Limits, Spool
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.tables import records, rollups

LIMITS = Limits(billed=1 << 20, unpriced=1 << 18)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        yield database


@pytest.fixture
def make_spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    made: list[Spool] = []

    def make(**changes: Any) -> Spool:
        made.append(Spool(tmp_path / "spool", "node 1/a", **({"clock": SetClock(), "limits": LIMITS} | changes)))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


@pytest.fixture
def spool(make_spool: Callable[..., Spool]) -> Spool:
    return make_spool()


async def count(database: Database, table: sa.Table) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def fill(spool: Spool) -> int:
    """Open intents until the lane refuses; how many fitted."""
    number = 0
    while not spool.depth()["billed"].full:
        spool.intent(intent(f"full{number}"))
        number += 1
    with pytest.raises(Refusal, match="ledger_full"):
        spool.intent(intent("one more"))
    return number


async def test_what_was_appended_is_in_the_ledger_after_a_drain(spool: Spool, database: Database) -> None:
    for n in range(20):
        spool.intent(intent(f"x{n}"))
        spool.append(unpriced(f"u{n}"))
    for n in range(19):
        spool.append(record(exchange=f"x{n}"))
    assert spool.depth()["billed"].entries == 39
    assert await spool.drain(SqlLedger(database), batch=7) == 40, "unpriced ones that are alike share an entry"
    assert await count(database, records) == 19
    assert await count(database, rollups) == 1
    depth = spool.depth()
    assert (depth["billed"].entries, depth["billed"].open_intents, depth["unpriced"].entries) == (0, 1, 0)
    assert await spool.drain(SqlLedger(database)) == 0


def test_a_full_lane_refuses_intents_and_interims_but_takes_every_final(spool: Spool) -> None:
    opened = fill(spool)
    with pytest.raises(Refusal, match="ledger_full"):
        spool.append(record(exchange="full0", kind="interim"))
    for number in range(opened):
        spool.append(record(exchange=f"full{number}"))
    depth = spool.depth()["billed"]
    assert (depth.entries, depth.lost, depth.dropped, depth.open_intents) == (2 * opened, 0, 0, 0)
    assert depth.size <= LIMITS.billed


def test_refused_calls_cannot_fill_a_full_lane(spool: Spool) -> None:
    fill(spool)
    before = spool.depth()["billed"].size
    for n in range(500):
        spool.append(record(exchange=f"r{n}", outcome="refused", cost=0, attempts=()))
    assert (spool.depth()["billed"].size, spool.depth()["billed"].dropped) == (before, 500)


def test_unpriced_traffic_never_refuses_billed_traffic(spool: Spool) -> None:
    while not spool.depth()["unpriced"].dropped:
        spool.append(unpriced("u"))
    assert spool.depth()["unpriced"].size < LIMITS.unpriced
    spool.intent(intent("x"))
    spool.append(record(exchange="x"))
    assert not spool.depth()["billed"].full


async def test_a_drain_makes_room_again(spool: Spool, database: Database) -> None:
    for number in range(10_000):
        if spool.depth()["billed"].full:
            break
        spool.intent(intent(f"x{number}"))
        spool.append(record(exchange=f"x{number}"))
    with pytest.raises(Refusal):
        spool.intent(intent("more"))
    await spool.drain(SqlLedger(database))
    spool.intent(intent("more"))
    spool.append(record(exchange="more"))
    await spool.drain(SqlLedger(database))
    assert await count(database, records) == number + 1
    assert len(list((spool.directory / "billed").glob("*.spool"))) == 1


async def test_no_file_is_deleted_before_the_ledger_is_safe(spool: Spool, database: Database) -> None:
    class NotNow(SqlLedger):
        async def secure(self) -> bool:
            return False

    while not spool.depth()["unpriced"].full:
        spool.append(unpriced("u"))
    files = set((spool.directory / "unpriced").glob("*.spool"))
    assert len(files) > 2
    await spool.drain(NotNow(database))
    assert set((spool.directory / "unpriced").glob("*.spool")) == files
    await spool.drain(SqlLedger(database))
    assert len(set((spool.directory / "unpriced").glob("*.spool"))) == 1


async def test_the_next_start_adopts_what_was_left(make_spool: Callable[..., Spool], database: Database) -> None:
    first = make_spool()
    first.intent(intent("done"))
    first.append(record(exchange="done"))
    first.intent(intent("orphan"))
    first.append(unpriced("u"))
    second = make_spool()
    assert await second.drain(SqlLedger(database)) == 0, "a living process keeps its files"
    first.close()
    assert await second.drain(SqlLedger(database)) == 4
    async with database.reading() as connection:
        kinds = list(await connection.scalars(sa.select(records.c.kind).order_by(records.c.exchange)))
    assert kinds == ["final", "unknown"]
    assert await count(database, rollups) == 1
    assert not list(second.directory.glob(f"{first.stem}*"))
    assert second.depth()["billed"].size == 0


async def test_while_the_database_is_away_entries_wait_and_nothing_is_lost(spool: Spool, tmp_path: Path) -> None:
    nowhere = Database(f"sqlite:///{tmp_path}/missing/ledger.db")
    spool.append(record(exchange="x"))
    with pytest.raises(DatabaseUnavailable):
        await spool.drain(SqlLedger(nowhere))
    assert spool.depth()["billed"].entries == 1
    await nowhere.close()
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        assert await spool.drain(SqlLedger(database)) == 1


async def test_the_loop_outlives_a_database_that_comes_and_goes(spool: Spool, database: Database) -> None:
    class Flaky(SqlLedger):
        broken = True

        async def absorb(self, *args: Any) -> int:
            if self.broken:
                raise DatabaseUnavailable("The database is away")
            return await super().absorb(*args)

    ledger = Flaky(database)
    spool.append(record(exchange="x"))
    running = asyncio.create_task(spool.run(ledger, every=0.001))
    async with asyncio.timeout(10):
        while "The database is away" not in spool.failure:
            await asyncio.sleep(0.001)
        ledger.broken = False
        while spool.depth()["billed"].entries:
            await asyncio.sleep(0.001)
        while spool.failure:
            await asyncio.sleep(0.001)
    running.cancel()
    assert await count(database, records) == 1


async def test_a_full_disk_refuses_new_billed_work_keeps_finals_and_recovers(
    make_spool: Callable[..., Spool], database: Database
) -> None:
    full = False

    def write(descriptor: int, data: bytes) -> int:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, data)

    spool = make_spool(write=write)
    spool.intent(intent("x"))
    full = True
    with pytest.raises(Refusal, match="ledger_full") as refused:
        spool.intent(intent("y"))
    assert refused.value.reason == "disk full"
    spool.append(record(exchange="x"))
    spool.append(unpriced("u"))
    spool.append(unpriced("u"))
    assert spool.depth()["billed"].trouble == "disk full"
    assert spool.depth()["billed"].entries == 2
    full = False
    running = asyncio.create_task(spool.run(SqlLedger(database), every=0.001))
    async with asyncio.timeout(10):
        while spool.depth()["billed"].entries or spool.depth()["billed"].full:
            await asyncio.sleep(0.001)
    running.cancel()
    assert await count(database, records) == 1
    spool.intent(intent("z"))


async def test_the_lag_is_how_long_something_waits(make_spool: Callable[..., Spool], database: Database) -> None:
    clock = SetClock()
    spool = make_spool(clock=clock)
    clock.advance(100)
    assert spool.lag() == 0
    await spool.drain(SqlLedger(database))
    spool.append(record())
    clock.advance(7)
    assert spool.lag() == 7
    await spool.drain(SqlLedger(database))
    assert spool.lag() == 0
    assert spool.drained_at == clock.wall()


async def test_two_drains_at_once_are_one_after_the_other(spool: Spool, database: Database) -> None:
    for n in range(300):
        spool.append(unpriced(f"u{n}", each=True))
    taken = await asyncio.gather(*[spool.drain(SqlLedger(database), batch=50) for _ in range(3)])
    assert sorted(taken) == [0, 0, 300]
    async with database.reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(records)) == 300


def test_files_belong_to_the_owner_alone(spool: Spool) -> None:
    spool.append(record())
    for path in spool.directory.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_no_database_library_is_loaded_for_a_spool() -> None:
    code = "import sys, triplegate.stores.spool, triplegate.control.reports.usage; print('sqlalchemy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert answer.stdout == "False\n", answer.stderr


_ON_A_SMALL_DISK = """
import pathlib, sys
from tests.stores.ledger_records import intent, record, unpriced
from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.stores.spool import Spool
folder = pathlib.Path(sys.argv[1])
spool = Spool(folder / "spool", "node", SystemClock())
ballast = folder / "ballast"
ballast.write_bytes(bytes(3 << 20))
opened = 0
while True:
    try:
        spool.intent(intent(f"x{opened}"))
    except Refusal as refusal:
        assert refusal.code == "ledger_full", refusal
        break
    opened += 1
    spool.append(unpriced("u"))
for number in range(opened):
    spool.append(record(exchange=f"x{number}"))
depth = spool.depth()["billed"]
assert depth.trouble == "disk full", depth
assert (depth.lost, depth.dropped, depth.open_intents) == (0, 0, 0), depth
assert depth.entries == 2 * opened, depth
ballast.unlink()
for lane in spool._lanes.values():
    lane.recover()
depth = spool.depth()["billed"]
assert (depth.trouble, depth.full, depth.entries) == ("", False, 2 * opened), depth
assert not spool._billed.pending
print(opened, sum(segment.size for segment in spool._billed.segments))
spool.intent(intent("again"))
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="no mount namespaces here",
)
def test_on_a_disk_that_fills_up_nothing_charged_is_lost(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=6m small "$1" && shift && exec "$@"'
    root = Path(__file__).resolve().parents[2]
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", tmp_path, sys.executable, "-c", _ON_A_SMALL_DISK, tmp_path]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=50, cwd=root)
    assert answer.returncode == 0, answer.stderr
    opened, size = map(int, answer.stdout.split())
    assert opened > 100
    assert size > opened * 400
