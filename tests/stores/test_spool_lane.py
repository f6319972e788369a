"""A lane: bounded files, room for every final, and a disk that fails and comes back."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.stores.ledger_records import intent, record

from triplegate.stores.spool_frame import HEADER, MAX_PAYLOAD, frame, scan
from triplegate.stores.spool_lane import Lane, Segment, Write
from triplegate.stores.spool_sync import GroupSync

LIMIT = 1 << 20


class Disk:
    """`os.write` on a disk that may be full, fail, or take less than it is given."""

    def __init__(self) -> None:
        self.error = 0
        self.short = 0
        self.calls = 0

    def write(self, descriptor: int, data: bytes) -> int:
        self.calls += 1
        if self.short:
            size, self.short = self.short, 0
            return os.write(descriptor, data[:size])
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return os.write(descriptor, data)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def make_lane(tmp_path: Path) -> Iterator[Callable[..., Lane]]:
    sync = GroupSync()
    made: list[Lane] = []

    def make(limit: int = LIMIT, write: Write = os.write) -> Lane:
        made.append(Lane(tmp_path / "billed", "stem", limit, sync, write))
        return made[-1]

    yield make
    for lane in made:
        lane.close()
    sync.close()


def content(lane: Lane) -> list[str]:
    found: list[str] = []
    for segment in lane.segments:
        stretch = segment.path.read_bytes()
        assert len(stretch) == segment.size
        part = scan(stretch, 0, last=True)
        assert part.damaged == 0
        found += [f"{entry.record.kind}:{entry.record.exchange}" for entry in part.entries]
    return found


def drain_all(lane: Lane) -> list[Segment]:
    for segment in lane.segments:
        segment.drained = segment.size
    return lane.collect()


def test_each_entry_is_one_write(make_lane: Callable[..., Lane], disk: Disk) -> None:
    lane = make_lane(write=disk.write)
    for n in range(10):
        lane.append(frame(record(exchange=f"x{n}")))
    assert disk.calls == 10
    assert content(lane) == [f"final:x{n}" for n in range(10)]


def test_a_short_write_is_finished(make_lane: Callable[..., Lane], disk: Disk) -> None:
    lane = make_lane(write=disk.write)
    disk.short = 11
    lane.append(frame(record(exchange="x")))
    assert content(lane) == ["final:x"]


def test_files_are_bounded_and_go_when_they_are_drained(make_lane: Callable[..., Lane]) -> None:
    lane = make_lane()
    while len(lane.segments) < 4:
        lane.append(frame(record()))
    assert all(segment.size <= LIMIT // 8 + HEADER.size + MAX_PAYLOAD for segment in lane.segments)
    lane.segments[1].drained = lane.segments[1].size
    assert lane.collect() == [], "oldest first: a final's file must not go before its intent's"
    before = list(lane.segments)
    assert drain_all(lane) == before[:3]
    assert lane.total == lane.segments[0].size


def test_an_open_intent_is_carried_on_so_that_its_file_can_go(make_lane: Callable[..., Lane]) -> None:
    lane = make_lane()
    lane.intend("slow", frame(intent("slow")))
    lane.intend("quick", frame(intent("quick")))
    lane.append(frame(record(exchange="quick")))
    lane.settle("quick")
    while len(lane.segments) < 3:
        lane.append(frame(record(exchange="other")))
    drain_all(lane)
    assert "intent:slow" in content(lane)
    assert "intent:quick" not in content(lane)
    lane.settle("slow")
    assert [segment.intents for segment in lane.segments] == [0]


def test_it_is_full_at_the_mark(make_lane: Callable[..., Lane]) -> None:
    lane = make_lane()
    while not lane.full:
        lane.append(frame(record()))
    assert LIMIT * 4 // 5 <= lane.total < LIMIT * 4 // 5 + 1_000
    drain_all(lane)
    assert not lane.full


def test_every_open_intent_has_room_for_the_largest_final(make_lane: Callable[..., Lane]) -> None:
    lane = make_lane()
    opened = 0
    while not lane.full:
        lane.intend(f"x{opened}", frame(intent(f"x{opened}")))
        opened += 1
    assert opened > 10
    assert lane.total + opened * (HEADER.size + MAX_PAYLOAD) <= LIMIT


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_loses_nothing_and_recovers_by_itself(
    make_lane: Callable[..., Lane], disk: Disk, number: int
) -> None:
    lane = make_lane(write=disk.write)
    assert lane.intend("a", frame(intent("a")))
    disk.error = number
    assert not lane.intend("b", frame(intent("b"))), "an intent that is not on disk is refused"
    lane.append(frame(record(exchange="a")))
    lane.append(frame(record(exchange="c")))
    assert lane.full
    assert lane.trouble.startswith("disk")
    assert len(lane.pending) == 2
    disk.error = 0
    lane.recover()
    assert (lane.full, lane.trouble, len(lane.pending), lane.lost) == (False, "", 0, 0)
    assert content(lane) == ["intent:a", "final:a", "final:c"]


def test_a_torn_entry_is_taken_back(make_lane: Callable[..., Lane], disk: Disk) -> None:
    lane = make_lane(write=disk.write)
    lane.append(frame(record(exchange="a")))
    disk.short, disk.error = 20, errno.ENOSPC
    lane.append(frame(record(exchange="b")))
    disk.error = 0
    lane.recover()
    assert content(lane) == ["final:a", "final:b"]


def test_what_waits_in_memory_is_bounded_and_the_rest_counted(make_lane: Callable[..., Lane], disk: Disk) -> None:
    lane = make_lane(write=disk.write)
    disk.error = errno.EIO
    entry = frame(record())
    fitting = (4 << 20) // len(entry)
    for _ in range(fitting + 7):
        lane.append(entry)
    assert (len(lane.pending), lane.lost) == (fitting, 7)


def test_a_failing_disk_is_not_littered_with_empty_files(make_lane: Callable[..., Lane], disk: Disk) -> None:
    lane = make_lane(write=disk.write)
    disk.error = errno.EIO
    for _ in range(20):
        lane.recover()
        lane.append(frame(record()))
    assert len(list(lane.directory.glob("*.spool"))) == 1


def test_the_reserve_is_given_up_for_finals_and_taken_back(make_lane: Callable[..., Lane], tmp_path: Path) -> None:
    reserve = tmp_path / "billed" / "stem.reserve"

    def write(descriptor: int, data: bytes) -> int:
        if reserve.exists() and full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, data)

    full = False
    lane = make_lane(write=write)
    assert reserve.stat().st_blocks * 512 >= LIMIT // 16
    lane.append(frame(record(exchange="a")))
    full = True
    lane.append(frame(record(exchange="b")))
    assert not reserve.exists()
    assert lane.full, "no new work until there is a reserve again"
    assert content(lane) == ["final:a", "final:b"]
    full = False
    lane.recover()
    assert reserve.exists()
    assert not lane.full
