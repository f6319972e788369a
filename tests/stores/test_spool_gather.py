"""Entries of one turn of the loop are one write; without a loop each is on disk at once."""

import asyncio

from triplegate.stores.spool_frame import HEADER
from triplegate.stores.spool_gather import Gather
from triplegate.stores.spool_lane import Lane
from triplegate.stores.spool_sync import GroupSync


class Writes:
    """`os.write` that counts, and fails when told."""

    def __init__(self):
        self.sizes = []
        self.broken = False

    def __call__(self, descriptor, content):
        import os

        if self.broken:
            raise OSError(28, "No space left on device")
        self.sizes.append(len(content))
        return os.write(descriptor, content)


def lane(tmp_path, writes):
    sync = GroupSync()
    return Lane(tmp_path, "node-1", 1 << 20, sync, writes), sync


def entry(size):
    return b"\0" * (HEADER.size + size)


async def test_entries_of_one_turn_share_a_write(tmp_path):
    writes = Writes()
    kept, sync = lane(tmp_path, writes)
    gather = Gather(kept)
    for _ in range(10):
        gather.append(entry(10))
    assert writes.sizes == []
    await asyncio.sleep(0)
    assert writes.sizes == [10 * len(entry(10))]
    assert kept.waiting == 10
    kept.close()
    sync.close()


def test_without_a_loop_nothing_waits(tmp_path):
    writes = Writes()
    kept, sync = lane(tmp_path, writes)
    gather = Gather(kept)
    gather.append(entry(1))
    assert len(writes.sizes) == 1
    kept.close()
    sync.close()


async def test_a_flood_within_one_turn_is_bounded(tmp_path):
    writes = Writes()
    kept, sync = lane(tmp_path, writes)
    gather = Gather(kept)
    for _ in range(1000):
        gather.append(entry(4))
    assert len(writes.sizes) == 3
    gather.flush()
    assert kept.waiting == 1000
    kept.close()
    sync.close()


async def test_what_the_disk_refuses_waits_in_memory_and_comes_back(tmp_path):
    writes = Writes()
    kept, sync = lane(tmp_path, writes)
    gather = Gather(kept)
    writes.broken = True
    for _ in range(3):
        gather.append(entry(4))
    await asyncio.sleep(0)
    assert kept.trouble
    assert kept.waiting == 3
    writes.broken = False
    kept.recover()
    assert len(writes.sizes) == 3
    kept.close()
    sync.close()
