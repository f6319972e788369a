"""What is left alone here is left alone by the other workers and nodes, too (best effort): breakers, cooldowns."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit

TOPIC = "breakers"
_decode = msgspec.json.Decoder(tuple[str, str, float]).decode


class Shared(Protocol):
    """What tells and hears: a breaker, a cooldown."""

    tell: Callable[[float], None] | None
    """Told for how many seconds it is left alone from now, or 0 when it is well again."""

    def heard(self, now: float, seconds: float, /) -> None:
        """Another worker or node said so of its own."""
        ...


class Sharing:
    """The process's one ear and mouth for its breakers and cooldowns; keep it by `kit.state`.

    What is lost on the way costs a few calls: everyone still counts for himself. Without shared state there is nobody
    else to hear.
    """

    __slots__ = ("_breakers", "_broadcast", "_listening", "_now", "_own", "_supervisor", "failed")

    def __init__(self, kit: Kit) -> None:
        self._broadcast, self._supervisor, self._now = kit.broadcast, kit.supervisor, kit.clock.now
        self._own = uuid4().hex
        self._breakers: WeakValueDictionary[str, Shared] = WeakValueDictionary()
        self._listening = False
        self.failed = 0
        """Messages that could not be sent."""

    @classmethod
    def kept(cls, kit: Kit) -> "Sharing":
        """The one of this process."""
        return kit.state(cls, TOPIC, lambda: cls(kit))

    def join(self, name: str, breaker: Shared) -> None:
        """From now on `breaker` tells and hears under `name`; called while calls are served."""
        self._breakers[name] = breaker
        breaker.tell = partial(self._tell, name)
        if not self._listening:
            self._listening = self._start(self._listen, "shared breakers")

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> bool:
        try:
            self._supervisor.spawn(work(), name)
        except Refusal:
            self.failed += 1
            return False
        return True

    def _tell(self, name: str, seconds: float) -> None:
        self._start(partial(self._publish, name, seconds), "shared breaker")

    async def _publish(self, name: str, seconds: float) -> None:
        try:
            await self._broadcast.publish(TOPIC, msgspec.json.encode((self._own, name, seconds)))
        except Refusal:
            self.failed += 1

    async def _listen(self) -> None:
        try:
            async for message in self._broadcast.listen(TOPIC):
                self._hear(message)
        except Refusal:  # the store takes no more listeners: tried again by whoever joins next
            self.failed += 1
        finally:
            self._listening = False

    def _hear(self, message: bytes) -> None:
        try:
            sender, name, seconds = _decode(message)
        except (msgspec.DecodeError, ValueError):
            return
        breaker = self._breakers.get(name)
        if breaker is not None and sender != self._own:
            breaker.heard(self._now(), seconds)
