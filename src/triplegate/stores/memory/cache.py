"""Replies in this process, by key and tag, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Sequence

from triplegate.core.clock import Clock

_ENTRY_BYTES = 300
"""What an entry costs beside its bytes."""


class MemoryCache:
    """The Cache port; the entry that was used longest ago goes first."""

    __slots__ = ("_clock", "_entries", "_limit", "_size", "_tagged", "evicted")
    shared = False

    def __init__(self, clock: Clock, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._clock = clock
        self._limit = max_bytes
        self._size = 0
        self._entries: OrderedDict[str, tuple[bytes, float, tuple[str, ...]]] = OrderedDict()
        self._tagged: dict[str, set[str]] = {}
        self.evicted = 0
        """Living entries that had to go."""

    @property
    def size(self) -> int:
        """Bytes in use."""
        return self._size

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        found = self._entries.get(key)
        if found is None:
            return None
        if found[1] <= self._clock.now():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return found[0]

    async def put(self, key: str, value: bytes, ttl: float, tags: Sequence[str] = ()) -> None:
        """Keep `value` for `ttl` seconds; what is larger than a quarter of the whole is not kept."""
        self._remove(key)
        kept = (value, self._clock.now() + ttl, tuple(tags))
        cost = _cost(key, kept)
        if cost > self._limit // 4 or ttl <= 0:
            return
        self._entries[key] = kept
        self._size += cost
        for tag in kept[2]:
            self._tagged.setdefault(tag, set()).add(key)
        while self._size > self._limit:
            self._remove(next(iter(self._entries)))
            self.evicted += 1

    async def drop(self, key: str) -> None:
        """Forget one key."""
        self._remove(key)

    async def drop_tag(self, tag: str) -> int:
        """Forget everything with a tag; how many living keys."""
        now = self._clock.now()
        dropped = 0
        for key in tuple(self._tagged.get(tag, ())):
            dropped += self._entries[key][1] > now
            self._remove(key)
        return dropped

    def _remove(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is None:
            return
        self._size -= _cost(key, found)
        for tag in found[2]:
            keys = self._tagged.get(tag)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._tagged[tag]


def _cost(key: str, entry: tuple[bytes, float, tuple[str, ...]]) -> int:
    return len(entry[0]) + len(key) + sum([len(tag) + 100 for tag in entry[2]]) + _ENTRY_BYTES
