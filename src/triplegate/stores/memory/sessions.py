"""Small records with a sliding expiry, in this process."""

from collections import OrderedDict
from collections.abc import Mapping

from triplegate.core.clock import Clock

LARGEST_RECORD = 64 * 1024
"""Bytes of all names and values of one record."""
MOST_FIELDS = 64


class MemorySessions:
    """The Sessions port; above its bounds the session that was idle longest is forgotten."""

    __slots__ = ("_clock", "_limit", "_max_bytes", "_records", "_size", "evicted")

    def __init__(self, clock: Clock, max_sessions: int = 100_000, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._size = 0
        self._limit = max_sessions
        self._records: OrderedDict[str, tuple[dict[str, bytes], float]] = OrderedDict()
        self.evicted = 0
        """Living sessions forgotten for want of room."""

    def __len__(self) -> int:
        return len(self._records)

    async def put(self, session: str, record: Mapping[str, bytes], ttl: float) -> None:
        """Create or replace. Raises ValueError for a record that is too large."""
        size = check_record(record)
        now = self._clock.now()
        self._forget(session)
        self._records[session] = (dict(record), now + ttl)
        self._size += size
        self._make_room(now)

    async def get(self, session: str, ttl: float) -> dict[str, bytes] | None:
        """The record, its life extended to `ttl` seconds; None when unknown or expired."""
        record = self.get_now(session, ttl)
        return None if record is None else record.copy()

    def get_now(self, session: str, ttl: float) -> dict[str, bytes] | None:
        """`get` without a coroutine: the record itself, to be looked at and neither kept nor changed."""
        now = self._clock.now()
        found = self._records.get(session)
        if found is None or found[1] <= now:
            return self._living(session, now)
        record = found[0]
        self._records[session] = (record, now + ttl)
        self._records.move_to_end(session)
        return record

    async def set_field(self, session: str, field: str, value: bytes) -> bool:
        """Set one field of a living session; False when it is gone. Raises ValueError when it gets too large."""
        record = self._living(session, self._clock.now())
        if record is None:
            return False
        before = check_record(record)
        self._size += check_record({**record, field: value}) - before
        record[field] = value
        return True

    async def end(self, session: str) -> bool:
        """Forget it; False when it was not there."""
        living = self._living(session, self._clock.now()) is not None
        self._forget(session)
        return living

    def _living(self, session: str, now: float) -> dict[str, bytes] | None:
        found = self._records.get(session)
        if found is None:
            return None
        if found[1] <= now:
            self._forget(session)
            return None
        return found[0]

    def _make_room(self, now: float) -> None:
        """Look at the two idle longest, which pays for the one that came; then keep to the bound."""
        for _ in range(2):
            oldest = next(iter(self._records))
            if self._records[oldest][1] > now or len(self._records) == 1:
                break
            self._forget(oldest)
        while len(self._records) > self._limit or (self._size > self._max_bytes and len(self._records) > 1):
            self._forget(next(iter(self._records)))
            self.evicted += 1

    def _forget(self, session: str) -> None:
        found = self._records.pop(session, None)
        if found is not None:
            self._size -= check_record(found[0])


def check_record(record: Mapping[str, bytes]) -> int:
    """The bytes of a record. Raises ValueError when it has too many fields or bytes, or a field without a name."""
    if "" in record:
        raise ValueError("a field of a session record has a name")
    if len(record) > MOST_FIELDS:
        raise ValueError(f"a session record has at most {MOST_FIELDS} fields")
    size = sum([len(name) + len(value) for name, value in record.items()])
    if size > LARGEST_RECORD:
        raise ValueError(f"a session record has at most {LARGEST_RECORD} bytes")
    return size
