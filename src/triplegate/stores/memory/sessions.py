"""Small records with a sliding expiry, in this process."""

from collections import OrderedDict
from collections.abc import Mapping

from triplegate.core.clock import Clock

LARGEST_RECORD = 64 * 1024
"""Bytes of all names and values of one record."""
MOST_FIELDS = 64


class MemorySessions:
    """The Sessions port; above `max_sessions` the one that was idle longest is forgotten."""

    __slots__ = ("_clock", "_limit", "_records", "evicted")

    def __init__(self, clock: Clock, max_sessions: int = 100_000) -> None:
        self._clock = clock
        self._limit = max_sessions
        self._records: OrderedDict[str, tuple[dict[str, bytes], float]] = OrderedDict()
        self.evicted = 0
        """Living sessions forgotten for want of room."""

    def __len__(self) -> int:
        return len(self._records)

    async def put(self, session: str, record: Mapping[str, bytes], ttl: float) -> None:
        """Create or replace. Raises ValueError for a record that is too large."""
        check_record(record)
        now = self._clock.now()
        self._records[session] = (dict(record), now + ttl)
        self._records.move_to_end(session)
        self._make_room(now)

    async def get(self, session: str, ttl: float) -> dict[str, bytes] | None:
        """The record, its life extended to `ttl` seconds; None when unknown or expired."""
        now = self._clock.now()
        record = self._living(session, now)
        if record is None:
            return None
        self._records[session] = (record, now + ttl)
        self._records.move_to_end(session)
        return dict(record)

    async def set_field(self, session: str, field: str, value: bytes) -> bool:
        """Set one field of a living session; False when it is gone. Raises ValueError when it gets too large."""
        record = self._living(session, self._clock.now())
        if record is None:
            return False
        check_record({**record, field: value})
        record[field] = value
        return True

    async def end(self, session: str) -> bool:
        """Forget it; False when it was not there."""
        living = self._living(session, self._clock.now()) is not None
        self._records.pop(session, None)
        return living

    def _living(self, session: str, now: float) -> dict[str, bytes] | None:
        found = self._records.get(session)
        if found is None:
            return None
        if found[1] <= now:
            del self._records[session]
            return None
        return found[0]

    def _make_room(self, now: float) -> None:
        """Look at the two idle longest, which pays for the one that came; then keep to the bound."""
        for _ in range(2):
            oldest = next(iter(self._records))
            if self._records[oldest][1] > now:
                break
            del self._records[oldest]
            if not self._records:
                return
        while len(self._records) > self._limit:
            self._records.popitem(last=False)
            self.evicted += 1


def check_record(record: Mapping[str, bytes]) -> None:
    """Raises ValueError when a record has too many fields or bytes."""
    if len(record) > MOST_FIELDS:
        raise ValueError(f"a session record has at most {MOST_FIELDS} fields")
    if sum([len(name) + len(value) for name, value in record.items()]) > LARGEST_RECORD:
        raise ValueError(f"a session record has at most {LARGEST_RECORD} bytes")
