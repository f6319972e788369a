"""Records that nobody is billed for, summed in memory for a moment: one entry for all that only differ in numbers."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.core.record import Record
from triplegate.stores.spool_frame import frame
from triplegate.stores.spool_lane import Lane

SECONDS = 0.1
"""How long a record may wait for others."""
_MOST = 1024


class Gather:
    """In front of a lane. kill -9 costs at most the counts of the last 100 ms; without a loop nothing waits.

    A record that gets a row of its own (`records: each`) waits for the loop's next turn only.

    An entry of its own, written, synced, read back and added up, took 10 % of an unpriced call's CPU.
    """

    __slots__ = ("_lane", "_records", "_soon", "_timer")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._records: list[Record] = []
        self._timer: asyncio.TimerHandle | None = None
        self._soon = False

    def append(self, record: Record) -> None:
        """Keep one record for the write that comes soon."""
        records = self._records
        records.append(record)
        if record.each or self._timer is None:
            self._schedule(soon=record.each)
        if len(records) >= _MOST:
            self.flush()

    def _schedule(self, *, soon: bool) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._timer is None:
            self._timer = loop.call_later(SECONDS, self.flush)
        if soon and not self._soon:
            self._soon = True
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._soon = False
        records = self._records
        if records:
            self._records = []
            self._lane.append_all([frame(record) for record in summed(records)])


def summed(records: Iterable[Record]) -> list[Record]:
    """The records with those added up that a minute's sums hold in one row; what is handed in stays as it is."""
    sums: dict[tuple[Any, ...], list[Record]] = {}
    for one in records:
        if one.each or one.kind != "final":
            sums[(one.exchange, one.part)] = [one]
            continue
        key = (
            *(one.started // 60, one.gate, one.route, one.target, one.org, one.team, one.consumer),
            *(one.status, one.outcome),
        )
        alike = sums.get(key)
        if alike is None:
            sums[key] = [one]
        else:
            alike.append(one)
    return [alike[0] if len(alike) == 1 else _sum(alike) for alike in sums.values()]


def _sum(alike: list[Record]) -> Record:
    return msgspec.structs.replace(
        alike[0],
        calls=sum([one.calls for one in alike]),
        duration_us=sum([one.duration_us for one in alike]),
        overhead_us=sum([one.overhead_us for one in alike]),
        bytes_in=sum([one.bytes_in for one in alike]),
        bytes_out=sum([one.bytes_out for one in alike]),
        tokens=tuple([sum(counts) for counts in zip(*[one.tokens for one in alike], strict=True)]),
        cost=sum([one.cost for one in alike]),
        list_cost=sum([one.list_cost for one in alike]),
        saved=sum([one.saved for one in alike]),
    )
