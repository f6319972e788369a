"""Replies shared through Redis, by key and tag."""

from collections.abc import Sequence

from triplegate.core.errors import Refusal
from triplegate.stores.redis.pipeline import Argument, Pipeline

LARGEST = 8 * 1024 * 1024
"""Bytes of one value; what is larger is not kept. The whole is bounded by the server's `maxmemory`."""

_PUT = b"""
local t, life = redis.call('TIME'), tonumber(ARGV[3])
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('SET', KEYS[1], ARGV[2], 'PX', life)
for i = 2, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  redis.call('ZADD', KEYS[i], string.format('%.0f', now + life), ARGV[1])
  redis.call('PEXPIRE', KEYS[i], life, 'NX')
  redis.call('PEXPIRE', KEYS[i], life, 'GT')
end
return 1
"""
_DROP_TAG = b"""
local tag, prefix, dropped = KEYS[1], ARGV[1], 0
for _, key in ipairs(redis.call('ZRANGE', tag, 0, -1)) do dropped = dropped + redis.call('UNLINK', prefix .. key) end
redis.call('UNLINK', tag)
return dropped
"""


class RedisCache:
    """The Cache port. A store that is away is a cache that has nothing: it never fails a call."""

    __slots__ = ("_keys", "_pipeline", "_tags", "failures")
    shared = True

    def __init__(self, pipeline: Pipeline, namespace: str = "tg") -> None:
        self._pipeline = pipeline
        self._keys = "{" + namespace + "}:c:"
        self._tags = "{" + namespace + "}:t:"
        self.failures = 0
        """Reads and writes that were lost."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        try:
            value: bytes | None = await self._pipeline.call(b"GET", self._keys + key)
        except Refusal:
            self.failures += 1
            return None
        return value

    async def put(self, key: str, value: bytes, ttl: float, tags: Sequence[str] = ()) -> None:
        """Keep `value` for `ttl` seconds."""
        life = int(ttl * 1000)
        if life <= 0 or len(value) > LARGEST:
            await self.drop(key)
            return
        name = self._keys + key
        if tags:
            names = [self._tags + tag for tag in tags]
            await self._try(b"EVAL", _PUT, 1 + len(names), name, *names, key, value, life)
        else:
            await self._try(b"SET", name, value, b"PX", life)

    async def drop(self, key: str) -> None:
        """Forget one key."""
        await self._try(b"UNLINK", self._keys + key)

    async def drop_tag(self, tag: str) -> int:
        """Forget everything with a tag; how many living keys. Raises Refusal overloaded when the store is away."""
        dropped: int = await self._pipeline.call(b"EVAL", _DROP_TAG, 1, self._tags + tag, self._keys)
        return dropped

    async def _try(self, *command: Argument) -> None:
        try:
            await self._pipeline.call(*command)
        except Refusal:
            self.failures += 1
