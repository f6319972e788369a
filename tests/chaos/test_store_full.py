"""A database whose disk is full: records wait in the spool, and all are booked once when there is room."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.stores.ledger_records import record, unpriced
from tests.stores.sql.databases import opened

from triplegate.core.clock import SystemClock
from triplegate.stores.spool import Spool
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.spans import Span
from triplegate.stores.sql.tables import records
from triplegate.stores.sql.usage import DIMENSIONS, spans_query, usage_rows

COUNT = 4_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB, where this user may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


async def test_nothing_is_lost_or_told_twice_when_the_disk_of_the_database_is_full(
    tmp_path: Path, small_disk: Path
) -> None:
    spool = Spool(tmp_path / "spool", "n1", SystemClock())
    for n in range(COUNT):
        spool.append(record(exchange=f"x{n}", started=1_767_225_600.0 + n, team=f"t{n % 7}"))
        spool.append(unpriced(f"u{n}", started=1_767_225_600.0 + n))
    async with opened(f"sqlite:///{small_disk}/ledger.db") as database:
        ledger = SqlLedger(database)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable, match="Make room on the disk"):
                await spool.drain(ledger)
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        await spool.drain(ledger)
        async with database.reading() as connection:
            assert await connection.scalar(sa.select(sa.func.count()).select_from(records)) == COUNT
            everything = spans_query([Span("raw", 0, 2e9)], DIMENSIONS, {}, sqlite=True)
            assert list(await connection.execute(everything)) == await usage_rows(database, DIMENSIONS, 0, 2e9)
        [total] = await usage_rows(database, [], 0, 2e9)
        assert total.requests == 2 * COUNT
    spool.close()
