"""Leader and followers over their socket: sums, orders, bounds, and who is away."""

import asyncio
import contextlib
import errno
import os
import socket
import struct
from pathlib import Path

import msgspec
import pytest
from tests.stores.ledger_records import record

from triplegate.app import workers
from triplegate.app.workers import LOCK, SOCKET, Follower, Leader
from triplegate.control.telemetry.finished import Finished
from triplegate.control.telemetry.tail import KEPT
from triplegate.control.view import Degraded
from triplegate.core.meters import Meters

WITHIN = 5.0


def finished(number: int) -> Finished:
    return Finished(record(exchange=f"x{number}"), "GET", "gateway.test", "/orders", "127.0.0.1", "orders")


class Hand:
    """A follower with meters of its own; what it was told to renew is noted."""

    def __init__(self, number: int):
        self.follower, self.meters, self.lacks, self.renewed = Follower(number), Meters(), [], []
        self.follower.obey({"keys": self.renew, "broken": self.fail})
        self.task = None

    async def renew(self):
        self.renewed.append("keys")

    async def fail(self):
        raise RuntimeError("no such luck")

    async def join(self, state: Path):
        await self.follower.open(state)
        self.task = asyncio.ensure_future(self.follower.run(self.meters.read, lambda: self.lacks))

    async def leave(self):
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(workers, "EVERY", 0.02)


@pytest.fixture
async def crew(tmp_path):
    """Open a leader, and hands with it, in one state directory; ended after the test."""
    ends = []

    async def make(leader: Leader, *hands: Hand, state: Path = tmp_path):
        await leader.open(state)
        ends.append(leader)
        for hand in hands:
            ends.append(hand)
            await hand.join(state)
        await until(lambda: len(leader._links) == len(hands))

    yield make
    for one in reversed(ends):
        if isinstance(one, Hand):
            await one.leave()
        else:
            one.close()


async def until(true):
    async with asyncio.timeout(WITHIN):
        while not true():
            await asyncio.sleep(0.005)


def total(leader: Leader, own: Meters) -> float:
    families = {one.name: one for one in leader.families(own.read())}
    return sum(cells[0] for _, cells in families["triplegate.requests"].points)


async def test_the_leader_shows_the_sum_of_all_and_it_never_falls(crew, tmp_path):
    leader, own, one, two = Leader(3), Meters(), Hand(1), Hand(2)
    await crew(leader, one, two)
    for amount, meters in enumerate((own, one.meters, two.meters), 1):
        meters.requests.add(("acme", "web", "api"), amount)
    await until(lambda: total(leader, own) == 6)
    await one.leave()
    await until(lambda: len(leader._links) == 1)
    assert total(leader, own) == 6
    successor = Hand(1)
    await successor.join(tmp_path)
    try:
        successor.meters.requests.add(("acme", "web", "api"), 10)
        await until(lambda: total(leader, own) == 16)
    finally:
        await successor.leave()


async def test_a_gauge_of_a_worker_that_is_gone_goes_with_it(crew):
    leader, own, one = Leader(2), Meters(), Hand(1)
    for meters, open_now in ((own, 1), (one.meters, 4)):
        source = [(("api",), open_now)]
        meters.observe("http.server.active_requests", "1", "", ("triplegate.gate",), lambda source=source: source)
    await crew(leader, one)

    def shown() -> float:
        return leader.families(own.read())[-1].points[0][1][0]

    await until(lambda: shown() == 5)
    await one.leave()
    await until(lambda: shown() == 1)


async def test_ended_calls_of_followers_come_to_the_leaders_tail(crew):
    leader, one = Leader(2), Hand(1)
    await crew(leader, one)
    one.follower.tail().take([finished(1), finished(2)])
    await until(lambda: leader.tail().newest == 2)
    assert [entry.id for entry in leader.tail().last(lambda _: True)] == ["x1", "x2"]


async def test_calls_wait_for_a_leader_that_is_away_in_bounds_and_what_is_lost_is_counted(crew, tmp_path):
    one = Hand(1)
    await one.join(tmp_path)
    try:
        one.follower.tail().take([finished(number) for number in range(KEPT)])
        one.follower.tail().take([finished(number) for number in range(KEPT, KEPT + 7)])
        assert one.follower.tail().missed == 7
        leader = Leader(2)
        await crew(leader)
        await until(lambda: leader.tail().newest == KEPT)
        assert leader.tail().last(lambda _: True)[-1].id == f"x{KEPT + 6}"
    finally:
        await one.leave()


async def test_an_order_is_done_everywhere_when_it_returns(crew):
    leader, hands = Leader(3), [Hand(1), Hand(2)]
    await crew(leader, *hands)
    assert await leader.order("keys")
    assert [hand.renewed for hand in hands] == [["keys"], ["keys"]]
    assert await leader.order("keys")
    assert [len(hand.renewed) for hand in hands] == [2, 2]


async def test_an_order_that_fails_ends_nobody(crew, capsys):
    leader, one = Leader(2), Hand(1)
    await crew(leader, one)
    assert await leader.order("broken")
    assert "no such luck" in capsys.readouterr().err
    assert await leader.order("keys")
    assert one.renewed == ["keys"]


async def test_an_order_waits_no_longer_than_its_bound_for_a_worker_that_hangs(crew):
    leader, one = Leader(2), Hand(1)
    never = asyncio.Event()
    one.follower.obey({"keys": never.wait})
    await crew(leader, one)
    assert not await leader.order("keys", 0.05)


async def test_an_order_waits_for_nobody_when_the_follower_dies_meanwhile(crew):
    leader, one = Leader(2), Hand(1)
    never = asyncio.Event()
    one.follower.obey({"keys": never.wait})
    await crew(leader, one)
    order = asyncio.ensure_future(leader.order("keys", WITHIN))
    await asyncio.sleep(0)
    await one.leave()
    assert await order


async def test_what_the_others_lack_is_shown_and_a_missing_worker_too(crew):
    leader, one = Leader(3), Hand(1)
    one.lacks = [Degraded("redis", "refused")]
    await crew(leader, one)
    await until(lambda: "redis" in {found.part for found in leader.degraded()})
    assert {found.part: found.detail for found in leader.degraded()} == {
        "redis": "refused",
        "workers": "2 of 3 workers serve",
    }


async def test_followers_find_the_next_leader_by_themselves(crew, tmp_path):
    first, one = Leader(2), Hand(1)
    await crew(first, one)
    first.close()
    one.meters.requests.add(("acme", "web", "api"), 3)
    second = Leader(2)
    await crew(second)
    await until(lambda: total(second, Meters()) == 3)
    assert await second.order("keys")


async def test_a_second_leader_waits_for_the_first_one_to_go(crew, tmp_path, monkeypatch):
    first, second = Leader(2), Leader(2)
    await crew(first)
    waiting = asyncio.ensure_future(second.open(tmp_path))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    first.close()
    await asyncio.wait_for(waiting, WITHIN)
    second.close()
    assert not (tmp_path / SOCKET).exists()


async def test_two_gateways_cannot_lead_one_state_directory(crew, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "HELD", 0.1)
    await crew(Leader(2))
    with pytest.raises(OSError, match="another gateway") as refused:
        await Leader(2).open(tmp_path)
    assert refused.value.errno == errno.EAGAIN
    assert refused.value.filename == str(tmp_path / LOCK)


async def test_a_deep_state_directory_is_no_obstacle(crew, tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    leader, one = Leader(2), Hand(1)
    await crew(leader, one, state=deep)
    assert (deep / SOCKET).stat().st_mode & 0o777 == 0o600
    assert await leader.order("keys")


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">I", 1 << 31),
        struct.pack(">I", 3) + b"abc",
        struct.pack(">I", 1) + msgspec.msgpack.encode(1),
        b"\x00",
    ],
    ids=["too long", "no message", "no report", "cut short"],
)
async def test_what_is_no_report_ends_its_connection_alone(crew, tmp_path, sent):
    leader, one = Leader(2), Hand(1)
    await crew(leader, one)
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stranger.setblocking(False)
    place = os.open(tmp_path, os.O_RDONLY)
    stranger.connect(f"/proc/self/fd/{place}/{SOCKET}")
    os.close(place)
    reader, writer = await asyncio.open_unix_connection(sock=stranger)
    writer.write(sent)
    writer.write_eof()
    async with asyncio.timeout(WITHIN):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()
    assert await leader.order("keys")
    assert list(leader._links) == [1]
