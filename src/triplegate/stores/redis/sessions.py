"""Small records with a sliding expiry, shared through Redis."""

from collections.abc import Mapping

from triplegate.stores.memory.sessions import LARGEST_RECORD, MOST_FIELDS, check_record
from triplegate.stores.redis.pipeline import Argument, Pipeline

_PUT = b"""
redis.call('DEL', KEYS[1])
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
_SET_FIELD = f"""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local fields, size = redis.call('HGETALL', KEYS[1]), #ARGV[1] + #ARGV[2]
for i = 1, #fields, 2 do if fields[i] ~= ARGV[1] then size = size + #fields[i] + #fields[i + 1] end end
if size > {LARGEST_RECORD} then return -1 end
if #fields / 2 >= {MOST_FIELDS} and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
""".encode()


class RedisSessions:
    """The Sessions port. Raises Refusal overloaded when the store is away."""

    __slots__ = ("_pipeline", "_prefix")

    def __init__(self, pipeline: Pipeline, namespace: str = "tg") -> None:
        self._pipeline = pipeline
        self._prefix = "{" + namespace + "}:s:"

    async def put(self, session: str, record: Mapping[str, bytes], ttl: float) -> None:
        """Create or replace. Raises ValueError for a record that is too large."""
        check_record(record)
        key = self._prefix + session
        fields: list[Argument] = [b"", b""]  # a hash needs a field to exist: an empty record is a record too
        for name, value in record.items():
            fields += (name, value)
        await self._pipeline.call(b"EVAL", _PUT, 1, key, max(1, int(ttl * 1000)), *fields)

    async def get(self, session: str, ttl: float) -> dict[str, bytes] | None:
        """The record, its life extended to `ttl` seconds; None when unknown or expired."""
        key = self._prefix + session
        living, fields = await self._pipeline.call_all((b"PEXPIRE", key, max(1, int(ttl * 1000))), (b"HGETALL", key))
        if not living or not fields:
            return None
        pairs = zip(fields[::2], fields[1::2], strict=True)
        return {name.decode(): value for name, value in pairs if name}

    async def set_field(self, session: str, field: str, value: bytes) -> bool:
        """Set one field of a living session; False when it is gone. Raises ValueError when it gets too large."""
        answer = await self._pipeline.call(b"EVAL", _SET_FIELD, 1, self._prefix + session, field, value)
        if answer < 0:
            raise ValueError(f"a session record has at most {MOST_FIELDS} fields and {LARGEST_RECORD} bytes")
        return bool(answer)

    async def end(self, session: str) -> bool:
        """Forget it; False when it was not there."""
        return bool(await self._pipeline.call(b"DEL", self._prefix + session))
