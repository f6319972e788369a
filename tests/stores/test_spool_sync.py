"""The group fsync: what is touched is synced soon, many touches share one sync, nobody waits."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from triplegate.stores.spool_sync import GroupSync


@pytest.fixture
def sync() -> Iterator[GroupSync]:
    sync = GroupSync(0.02)
    yield sync
    sync.close()


def wait_until(true: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_touched_file_is_synced_without_the_writer_waiting(sync: GroupSync, tmp_path: Path) -> None:
    file = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    os.write(file, b"x")
    sync.touch(file)
    wait_until(lambda: sync.syncs == 1)
    sync.retire(file)


def test_a_thousand_writes_share_few_syncs(sync: GroupSync, tmp_path: Path) -> None:
    file = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    begin = time.monotonic()
    for _ in range(1_000):
        os.write(file, b"x")
        sync.touch(file)
    rounds = (time.monotonic() - begin) / 0.02 + 2
    wait_until(lambda: sync.syncs >= 1)
    assert sync.syncs <= rounds
    sync.retire(file)


def test_a_retired_file_is_synced_and_closed(sync: GroupSync, tmp_path: Path) -> None:
    file = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    sync.touch(file)
    sync.retire(file)
    wait_until(lambda: sync.syncs == 1)

    def closed() -> bool:
        try:
            os.fstat(file)
        except OSError:
            return True
        return False

    wait_until(closed)


def test_closing_syncs_what_is_due(tmp_path: Path) -> None:
    sync = GroupSync(60)
    file = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    sync.touch(file)
    sync.close()
    assert sync.syncs == 1
    os.close(file)


def test_a_sync_the_disk_refuses_is_counted(sync: GroupSync) -> None:
    read_end, write_end = os.pipe()
    sync.touch(write_end)
    wait_until(lambda: sync.failures == 1)
    os.close(read_end)
    os.close(write_end)
