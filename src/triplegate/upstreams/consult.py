"""Places that are asked about calls on their way (guards): pooled connections, bounds, one answer, no redirects."""

import asyncio
from typing import Any

from triplegate.config.documents_base import Connections
from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody, Headers
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit, Place
from triplegate.upstreams import failures
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.reach import Reached, reach


def consult(kit: Kit, url: str, tls: Any, /) -> Place:
    """The place at `url`; `tls`: as in documents of upstreams. Raises ValueError for an unusable URL."""
    return PooledPlace(reach(url, tls, Connections(), kit))


class PooledPlace(Place):
    """One URL and the pool of its origin."""

    __slots__ = ("_authority", "_limits", "_pool", "_target")

    def __init__(self, reached: Reached) -> None:
        self._pool: Pool = reached.pool
        self._limits = reached.limits
        self._target = reached.base or b"/"
        self._authority = reached.pool.origin.authority

    async def post(self, headers: Headers, body: bytes, seconds: float, most: int) -> tuple[int, bytes]:
        """Status and body. A kept connection that proves closed is replaced once: to ask again does no harm."""
        fields = [
            (b"host", self._authority),
            (b"user-agent", b"triplegate"),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            *headers,
        ]
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._post(fields, body, seconds, most)
                except Refusal as refusal:
                    if refusal.code != "upstream_reset":
                        raise
                return await self._post(fields, body, seconds, most)
        except TimeoutError:
            raise failures.timed_out(self._pool.name, "total") from None

    async def _post(self, fields: Headers, body: bytes, seconds: float, most: int) -> tuple[int, bytes]:
        dispatch = Dispatch(connect=seconds, first_byte=seconds, idle=seconds, total=seconds)
        dispatch.tuned["pool"] = self._limits
        reply = await self._pool.send("POST", self._target, fields, BytesBody(body), dispatch)
        content = bytearray()
        try:
            if any(name == b"content-encoding" and value != b"identity" for name, value in reply.headers):
                raise failures.malformed(self._pool.name, "a content coding that was not asked for")
            async for piece in reply.frames:
                content += piece
                if len(content) > most:
                    raise failures.malformed(self._pool.name, f"more than {most} bytes")
        finally:
            reply.frames.close()
        return reply.status, bytes(content)
