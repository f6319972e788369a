"""Bounded streams that can be read again from a place, shared through Redis; readers are woken, they never poll."""

import asyncio
from typing import Any

from triplegate.stores.memory.mailbox import id_of
from triplegate.stores.redis.broadcast import Subscriptions
from triplegate.stores.redis.pipeline import Pipeline

MOST_MESSAGES = 1_000
LARGEST = 1024 * 1024


class RedisMailbox:
    """The Mailbox port. Raises Refusal overloaded when the store is away."""

    __slots__ = ("_pipeline", "_prefix", "_subscriptions", "_topics")

    def __init__(self, pipeline: Pipeline, subscriptions: Subscriptions, namespace: str = "tg") -> None:
        self._pipeline = pipeline
        self._subscriptions = subscriptions
        self._prefix = "{" + namespace + "}:m:"
        self._topics = "m:"

    async def append(self, box: str, message: bytes, ttl: float) -> str:
        """Keep a message; its id. Raises ValueError for one larger than 1 MiB."""
        if len(message) > LARGEST:
            raise ValueError(f"a message has at most {LARGEST} bytes")
        key = self._prefix + box
        keep = max(1, min(MOST_MESSAGES, LARGEST // (len(message) + 1)))  # whatever the sizes: a box stays below 8 MiB
        answers = await self._pipeline.call_all(
            (b"XADD", key, b"MAXLEN", keep, b"*", b"m", message),
            (b"PEXPIRE", key, max(1, int(ttl * 1000))),
            (b"PUBLISH", self._subscriptions.channel(self._topics + box), b""),
        )
        identity: bytes = answers[0]
        return identity.decode()

    async def read(self, box: str, after: str, wait: float) -> list[tuple[str, bytes]]:
        """Messages after id `after` (empty: from the start). Raises ValueError for an id that is none."""
        id_of(after)
        found = await self._after(box, after)
        if found or wait <= 0:
            return found
        listener = self._subscriptions.listen(self._topics + box)
        try:
            async with asyncio.timeout(wait):
                await self._subscriptions.settled(self._topics + box)
                found = await self._after(box, after)
                while not found:
                    await anext(listener)
                    found = await self._after(box, after)
        except TimeoutError:
            return await self._after(box, after)
        finally:
            self._subscriptions.leave(self._topics + box, listener)
        return found

    async def _after(self, box: str, after: str) -> list[tuple[str, bytes]]:
        start = f"({after}" if after else "-"
        entries: list[Any] = await self._pipeline.call(
            b"XRANGE", self._prefix + box, start, b"+", b"COUNT", MOST_MESSAGES
        )
        return [(identity.decode(), fields[1]) for identity, fields in entries]
