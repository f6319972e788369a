"""Vectors shared through Redis 8's vector sets; a server without them (Valkey) leaves each process its own."""

import base64

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.ports import Near
from triplegate.stores.memory.vectors import MemoryVectors
from triplegate.stores.redis.pipeline import Pipeline

_MORE = 8
"""Neighbours asked for beyond what is wanted: some may have outlived their time."""


class _Kept(msgspec.Struct, gc=False):
    e: float
    """Unix seconds at which it ends."""
    p: str
    """Payload, base64."""


_read = msgspec.json.Decoder(_Kept).decode
_write = msgspec.json.Encoder().encode


class RedisVectors:
    """The Vectors port. A store that is away has nothing near: it never fails a call."""

    __slots__ = ("_clock", "_local", "_names", "_pipeline", "failures", "shared")

    def __init__(self, pipeline: Pipeline, clock: Clock, namespace: str = "tg") -> None:
        self._pipeline, self._clock = pipeline, clock
        self._names = "{" + namespace + "}:v:"
        self._local = MemoryVectors(clock)
        self.shared: bool | None = None
        """Whether the server has vector sets; None until it was asked."""
        self.failures = 0
        """Reads and writes that were lost."""

    async def _has_sets(self) -> bool:
        if self.shared is None:
            try:
                told = await self._pipeline.call(b"COMMAND", b"INFO", b"VADD")
            except Refusal:
                self.failures += 1
                return True  # away: what comes next fails by itself
            self.shared = bool(told) and told[0] is not None
        return self.shared

    async def add(self, space: str, name: str, vector: bytes, payload: bytes, ttl: float) -> None:
        """Keep one; the space lives as long as the last that was added."""
        if not await self._has_sets():
            await self._local.add(space, name, vector, payload, ttl)
            return
        key = self._names + space
        kept = _write(_Kept(self._clock.wall() + ttl, base64.b64encode(payload).decode("ascii")))
        await self._try(b"VADD", key, b"FP32", vector, name, b"NOQUANT", b"SETATTR", kept)
        await self._try(b"PEXPIRE", key, int(ttl * 1000))

    async def near(self, space: str, vector: bytes, most: int) -> list[Near]:
        """The nearest ones that still live."""
        if not await self._has_sets():
            return await self._local.near(space, vector, most)
        key = self._names + space
        found = await self._try(b"VSIM", key, b"FP32", vector, b"WITHSCORES", b"WITHATTRIBS", b"COUNT", most + _MORE)
        if not found:
            return []
        near, now = [], self._clock.wall()
        for at in range(0, len(found), 3):
            name, score, told = found[at : at + 3]
            kept = _kept(told)
            if kept is not None and kept.e > now:
                near.append(Near(name.decode(), 2.0 * float(score) - 1.0, base64.b64decode(kept.p)))
        return near[:most]

    async def drop(self, space: str, name: str) -> None:
        """Forget one."""
        if not await self._has_sets():
            await self._local.drop(space, name)
            return
        await self._try(b"VREM", self._names + space, name)

    async def _try(self, *command: bytes | str | int) -> list[bytes] | None:
        try:
            return await self._pipeline.call(*command)  # type: ignore[no-any-return]
        except Refusal:
            self.failures += 1
            return None


def _kept(told: bytes | None) -> _Kept | None:
    try:
        return _read(told or b"")
    except msgspec.MsgspecError:
        return None
