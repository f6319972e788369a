"""Lists that other workers and nodes have fetched: taken while a server does not answer, heard of when they change."""

import hashlib
from collections.abc import Awaitable, Callable
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.kinds import Kind
from triplegate.gates.mcp.server import Server

TOPIC = "mcp:cat"
KEPT = 86_400.0
"""Seconds that a list stays for those who start while its server is away."""

_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_told = msgspec.json.Decoder(tuple[str, str, Kind]).decode
Apply = Callable[[Server, Kind, list[msgspec.Raw]], Awaitable[None]]


class Shelf:
    """The process's one ear and mouth for lists; keep it by `kit.state`. Without shared state it does nothing."""

    __slots__ = ("_apply", "_kit", "_known", "_listening", "_own")

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._own = uuid4().hex
        self._known: WeakValueDictionary[str, Server] = WeakValueDictionary()
        self._apply: Apply | None = None
        self._listening = False

    @classmethod
    def kept(cls, kit: Kit) -> "Shelf":
        """The one of this process."""
        return kit.state(cls, "mcp", lambda: cls(kit))

    @property
    def shared(self) -> bool:
        """Whether there may be anybody else."""
        return self._kit.cache.shared and not self._kit.offline

    def join(self, server: Server, apply: Apply) -> None:
        """From now on lists of this server that others fetch are given to `apply`."""
        self._apply = apply
        self._known[server.place] = server
        if not self._listening:
            try:
                self._kit.supervisor.spawn(self._listen(), "shared lists")
            except Refusal:
                return  # too much is going on: the next list tries again
            self._listening = True

    async def put(self, server: Server, kind: Kind, items: tuple[OwnItem, ...]) -> None:
        """Keep a list that has changed, and tell the others."""
        written = msgspec.json.encode([msgspec.Raw(item.definition) for item in items])
        await self._kit.cache.put(_key(server.place, kind), written, KEPT)
        try:
            await self._kit.broadcast.publish(TOPIC, msgspec.json.encode((self._own, server.place, kind)))
        except Refusal:
            return  # they find out when their own copies have grown old

    async def take(self, server: Server, kind: Kind) -> list[msgspec.Raw] | None:
        """The definitions as they were fetched last by anybody; None when nobody has."""
        written = await self._kit.cache.get(_key(server.place, kind))
        try:
            return None if written is None else _items(written)
        except msgspec.MsgspecError:
            return None

    async def _listen(self) -> None:
        try:
            async for message in self._kit.broadcast.listen(TOPIC):
                await self._hear(message)
        except Refusal:  # the store takes no more listeners: tried again with the next list
            return
        finally:
            self._listening = False

    async def _hear(self, message: bytes) -> None:
        try:
            sender, place, kind = _told(message)
        except (msgspec.MsgspecError, ValueError):
            return
        server = self._known.get(place)
        if server is None or sender == self._own or self._apply is None:
            return
        definitions = await self.take(server, kind)
        if definitions is not None:
            await self._apply(server, kind, definitions)


def _key(place: str, kind: Kind) -> str:
    return f"mcp:cat:{hashlib.sha256(place.encode()).hexdigest()}:{kind}"
