"""Tell every worker and node, through one subscribed Redis connection a process."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor
from triplegate.stores.memory.broadcast import Listener
from triplegate.stores.redis.address import CONNECT_SECONDS, open_connection
from triplegate.stores.redis.pipeline import Pipeline

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

RECONNECT = 0.5
"""Seconds between two tries."""
MOST_TOPICS = 20_000
_SPACE = "t:"
"""Topics of Broadcast; other adapters use subscriptions too."""
PING = 10.0
"""Seconds of silence after which the connection is asked whether it lives."""


class Subscriptions:
    """Channels this process listens to; subscribed again after a lost connection (what came meanwhile is lost)."""

    def __init__(self, url: str, supervisor: Supervisor, namespace: str = "tg", max_waiting: int = 1_000) -> None:
        self._url = url
        self._supervisor = supervisor
        self._prefix = "{" + namespace + "}:b:"
        self._limit = max_waiting
        self._listeners: dict[str, set[Listener]] = {}
        self._pending: dict[str, int] = {}
        """Subscriptions the server has not confirmed yet."""
        self._outgoing: list[tuple[bytes, str]] = []
        self._stop: Callable[[], None] | None = None
        self.losses = 0
        """Lost connections; messages may have been missed each time."""

    def open(self) -> None:
        """Start listening in the background."""
        self._wake = asyncio.Event()
        self._heard = asyncio.Event()
        self._stop = self._supervisor.spawn(self._keep(), "redis subscriptions")

    def close(self) -> None:
        """Stop; listeners end after what they have heard."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()
        self._listeners.clear()

    def channel(self, topic: str) -> str:
        """The channel of a topic."""
        return self._prefix + topic

    def listen(self, topic: str) -> Listener:
        """A listener of a topic until `leave`. Raises Refusal overloaded above the bound."""
        if len(self._listeners) >= MOST_TOPICS and topic not in self._listeners:
            raise Refusal("overloaded", "The gateway listens to as much as it can.", retry_after=1.0)
        listener = Listener(self._limit)
        listeners = self._listeners.setdefault(topic, set())
        if not listeners:
            self._tell(b"SUBSCRIBE", topic)
        listeners.add(listener)
        return listener

    def leave(self, topic: str, listener: Listener) -> None:
        """Listen no more."""
        listener.close()
        listeners = self._listeners.get(topic)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[topic]
                self._tell(b"UNSUBSCRIBE", topic)

    async def settled(self, topic: str) -> None:
        """Wait until the server has confirmed the subscription of a topic, if there is one."""
        while self._pending.get(topic):
            self._heard.clear()
            await self._heard.wait()

    def _tell(self, command: bytes, topic: str) -> None:
        if command == b"SUBSCRIBE":
            self._pending[topic] = self._pending.get(topic, 0) + 1
        self._outgoing.append((command, topic))
        if self._stop is not None:
            self._wake.set()

    async def _keep(self) -> None:
        connection = open_connection(self._url)
        try:
            while True:
                try:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await connection.connect()  # type: ignore[no-untyped-call]
                    self._pending = dict.fromkeys(self._listeners, 1)
                    self._outgoing = [(b"SUBSCRIBE", topic) for topic in self._listeners]
                    self._wake.set()
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._write(connection))
                        group.create_task(self._read(connection))
                except* Exception:  # noqa: BLE001 - whatever it is, the connection is made again
                    self.losses += 1
                await connection.disconnect(nowait=True)
                await asyncio.sleep(RECONNECT)
        finally:
            await connection.disconnect(nowait=True)

    async def _write(self, connection: "AbstractConnection") -> None:
        from hiredis import pack_command

        while True:
            try:
                async with asyncio.timeout(PING):
                    await self._wake.wait()
            except TimeoutError:
                self._outgoing.append((b"PING", ""))
            self._wake.clear()
            outgoing, self._outgoing = self._outgoing, []
            packed = [pack_command(self._command(command, topic)) for command, topic in outgoing]
            if packed:
                await connection.send_packed_command(packed, check_health=False)

    def _command(self, command: bytes, topic: str) -> Any:
        return (command, self.channel(topic)) if topic else (command,)

    async def _read(self, connection: "AbstractConnection") -> None:
        while True:
            async with asyncio.timeout(2 * PING):
                message = await connection.read_response(disable_decoding=True, disconnect_on_error=False)
            if isinstance(message, list) and message:
                self._hear(message)

    def _hear(self, message: list[Any]) -> None:
        kind, channel = message[0], message[1]
        topic = channel.decode().removeprefix(self._prefix) if isinstance(channel, bytes) else ""
        if kind == b"message":
            for listener in tuple(self._listeners.get(topic, ())):
                listener.hear(message[2])
        elif kind == b"subscribe":
            self._pending[topic] = self._pending.get(topic, 1) - 1
            if self._pending[topic] <= 0:
                del self._pending[topic]
            self._heard.set()


class RedisBroadcast:
    """The Broadcast port. A subscription of this process is confirmed before its next message is published."""

    __slots__ = ("_pipeline", "_subscriptions")

    def __init__(self, pipeline: Pipeline, subscriptions: Subscriptions) -> None:
        self._pipeline = pipeline
        self._subscriptions = subscriptions

    async def publish(self, topic: str, message: bytes) -> None:
        """Deliver to those who listen now, on every node. Raises Refusal overloaded when the store is away."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._subscriptions.settled(_SPACE + topic)
        except TimeoutError:
            pass  # this process does not hear for now; others may
        await self._pipeline.call(b"PUBLISH", self._subscriptions.channel(_SPACE + topic), message)

    def listen(self, topic: str) -> "Hearing":
        """Messages from now on."""
        return Hearing(self._subscriptions, _SPACE + topic)


class Hearing:
    """A subscription that ends when nobody refers to it any more."""

    __slots__ = ("__weakref__", "_listener", "_subscriptions", "_topic")

    def __init__(self, subscriptions: Subscriptions, topic: str) -> None:
        self._subscriptions = subscriptions
        self._topic = topic
        self._listener = subscriptions.listen(topic)

    def __aiter__(self) -> "Hearing":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._listener)

    @property
    def lost(self) -> int:
        """Messages lost because this reader was slow."""
        return self._listener.lost

    def close(self) -> None:
        """Listen no more."""
        self._subscriptions.leave(self._topic, self._listener)

    def __del__(self) -> None:
        self.close()
