"""Tell everyone in this process."""

import asyncio
import weakref
from collections import deque


class Listener:
    """Messages of one topic for one reader; when it is slow the oldest go, which `lost` counts."""

    __slots__ = ("__weakref__", "_closed", "_messages", "_waiting", "lost")

    def __init__(self, limit: int) -> None:
        self._messages: deque[bytes] = deque(maxlen=limit)
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False
        self.lost = 0

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> bytes:
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._messages.popleft()

    def hear(self, message: bytes) -> None:
        """Keep a message and wake the reader."""
        if len(self._messages) == self._messages.maxlen:
            self.lost += 1
        self._messages.append(message)
        self._wake()

    def close(self) -> None:
        """End the iteration after what was already heard."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Topics:
    """Who listens to what. A listener that nobody refers to any more is no listener."""

    __slots__ = ("_limit", "_listeners", "_sweep_at")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sweep_at = 64
        self._listeners: dict[str, weakref.WeakSet[Listener]] = {}

    def names(self) -> list[str]:
        """The topics that somebody listened to when last a message came."""
        return list(self._listeners)

    def listen(self, topic: str) -> Listener:
        """A new listener."""
        if len(self._listeners) >= self._sweep_at:
            self._listeners = {name: heard for name, heard in self._listeners.items() if heard}
            self._sweep_at = 2 * len(self._listeners) + 64
        listener = Listener(self._limit)
        self._listeners.setdefault(topic, weakref.WeakSet()).add(listener)
        return listener

    def tell(self, topic: str, message: bytes) -> bool:
        """Hand a message on; False when nobody listens, and the topic is then forgotten."""
        listeners = self._listeners.get(topic)
        if not listeners:
            self._listeners.pop(topic, None)
            return False
        for listener in tuple(listeners):
            listener.hear(message)
        return True


class MemoryBroadcast:
    """The Broadcast port."""

    __slots__ = ("_topics",)

    def __init__(self, max_waiting: int = 1_000) -> None:
        self._topics = Topics(max_waiting)

    async def publish(self, topic: str, message: bytes) -> None:
        """Deliver to those who listen now."""
        self._topics.tell(topic, message)

    def listen(self, topic: str) -> Listener:
        """Messages from now on."""
        return self._topics.listen(topic)
