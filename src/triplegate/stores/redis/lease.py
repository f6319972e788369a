"""One holder at a time over all nodes, through Redis."""

from triplegate.stores.redis.pipeline import Pipeline

_TAKE = b"""
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_GIVE = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisLease:
    """The Lease port. Raises Refusal overloaded when the store is away: then nobody holds anything for sure."""

    __slots__ = ("_pipeline", "_prefix")

    def __init__(self, pipeline: Pipeline, namespace: str = "tg") -> None:
        self._pipeline = pipeline
        self._prefix = "{" + namespace + "}:l:"

    async def take(self, name: str, owner: str, ttl: float) -> bool:
        """Take or renew; False when another holds it."""
        life = max(1, int(ttl * 1000))
        return bool(await self._pipeline.call(b"EVAL", _TAKE, 1, self._prefix + name, owner, life))

    async def give(self, name: str, owner: str) -> None:
        """Give it back; nothing happens when another holds it."""
        await self._pipeline.call(b"EVAL", _GIVE, 1, self._prefix + name, owner)
