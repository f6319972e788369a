"""Unpriced records of a moment are one write, and those alike one entry; without a loop each is on disk at once."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.stores.ledger_records import unpriced

from triplegate.stores.spool_frame import scan
from triplegate.stores.spool_gather import SECONDS, Gather, summed
from triplegate.stores.spool_lane import Lane
from triplegate.stores.spool_sync import GroupSync
from triplegate.stores.sql.rows import rollup_rows


class Writes:
    """`os.write` that counts, and fails when told."""

    def __init__(self):
        self.sizes = []
        self.broken = False

    def __call__(self, descriptor, content):
        if self.broken:
            raise OSError(28, "No space left on device")
        self.sizes.append(len(content))
        return os.write(descriptor, content)


@pytest.fixture
def writes():
    return Writes()


@pytest.fixture
def lane(tmp_path, writes):
    sync = GroupSync()
    lane = Lane(tmp_path, "node-1", 1 << 20, sync, writes)
    yield lane
    lane.close()
    sync.close()


def written(folder: Path):
    (path,) = folder.glob("*.spool")
    return [entry.record for entry in scan(path.read_bytes(), 0, last=True).entries]


async def test_records_that_are_alike_become_one_entry_after_a_moment(lane, writes, tmp_path):
    gather = Gather(lane)
    for number in range(10):
        gather.append(unpriced(f"u{number}", bytes_out=number))
    gather.append(unpriced("other", status=404))
    assert writes.sizes == []
    await asyncio.sleep(2 * SECONDS)
    assert len(writes.sizes) == 1
    found = written(tmp_path)
    assert [(one.status, one.calls, one.bytes_out) for one in found] == [(200, 10, 45), (404, 1, 5300)]


async def test_a_record_with_a_row_of_its_own_waits_for_one_turn_only(lane, writes):
    gather = Gather(lane)
    gather.append(unpriced("sum"))
    gather.append(unpriced("row", each=True))
    gather.append(unpriced("row2", each=True))
    assert writes.sizes == []
    await asyncio.sleep(0)
    assert len(writes.sizes) == 1
    assert lane.waiting == 3


def test_without_a_loop_nothing_waits(lane, writes):
    gather = Gather(lane)
    gather.append(unpriced("u"))
    assert len(writes.sizes) == 1


async def test_a_flood_is_bounded(lane, writes):
    gather = Gather(lane)
    for number in range(5000):
        gather.append(unpriced(f"u{number}"))
    assert len(writes.sizes) == 4
    gather.flush()
    assert lane.waiting == 5


async def test_what_the_disk_refuses_waits_in_memory_and_comes_back(lane, writes):
    gather = Gather(lane)
    writes.broken = True
    for number in range(3):
        gather.append(unpriced("u", status=200 + number))
    gather.flush()
    assert lane.trouble
    assert lane.waiting == 3
    writes.broken = False
    lane.recover()
    assert len(writes.sizes) == 3


def test_the_sum_of_sums_is_the_sum_of_the_records_and_they_stay_as_they_are():
    records = [
        unpriced(f"u{n}", status=200 + n % 2, started=1_767_225_590.0 + n, bytes_in=n, duration_us=n * 3, overhead_us=n)
        for n in range(30)
    ]
    before = [repr(one) for one in records]
    once = summed(records)
    assert len(once) == 4, "two statuses in two minutes"
    assert rollup_rows(summed(once[:2] + records[:0]) + once[2:]) == rollup_rows(records)
    assert [repr(one) for one in records] == before


def test_rows_of_their_own_are_never_added_up():
    records = [unpriced(f"u{n}", each=True) for n in range(3)]
    assert summed(records) == records
