"""Nodes learn from one another: what one learns of a namespace is told to all, and whoever starts hears it first.

A log of notes (a mailbox) is the truth; from time to time a node writes down the sum, so that the log may be short.
What a node learns itself counts at once, whether or not it can be told: a store that is away makes nodes learn alone.
"""

import asyncio
import hashlib
import secrets

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit
from triplegate.stores.semantic.embedding import Embeds
from triplegate.stores.semantic.namespace import Namespace
from triplegate.stores.semantic.notes import Note, read_learnt, read_note, write

_KEEP = 30 * 86_400.0
"""Seconds that notes and sums outlive the last of them."""
_SUM = 100
"""Notes after which the sum is written; the log holds several times as many."""
_FRESH = 2.0
"""Seconds after which a node hears what is new before it decides."""
_BEFORE = "answers:learnt"


class _Place(msgspec.Struct):
    """How far a node has heard one namespace."""

    box: str
    node: str
    """Whose own notes these are: those it need not hear."""
    after: str = ""
    """Id of the last note that was heard."""
    heard: float | None = None
    """Monotonic seconds; None: not even the sum."""
    notes: int = 0
    """Told and heard since the last sum."""
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


class Sharing:
    """What this process tells and hears."""

    __slots__ = ("_embedder", "_kit", "failures")

    def __init__(self, kit: Kit, embedder: Embeds) -> None:
        self._kit, self._embedder = kit, embedder
        self.failures = 0
        """Times that the store was away."""

    async def freshen(self, name: str, namespace: Namespace) -> None:
        """Hear what is new, where that was not done lately and nobody does it now."""
        place = self._place(name, namespace)
        if place.turn.locked() or (place.heard is not None and self._kit.clock.now() < place.heard + _FRESH):
            return
        async with place.turn:
            await self._hear(place, namespace)

    async def tell(self, name: str, namespace: Namespace, note: Note) -> None:
        """Take a note here, tell it, and hear those of the others."""
        place = self._place(name, namespace)
        async with place.turn:
            if place.heard is None:
                await self._hear(place, namespace)
            namespace.take_note(note)
            told = msgspec.structs.replace(note, node=place.node, **namespace.fresh())
            try:
                await self._kit.mailbox.append(place.box, write(told), _KEEP)
            except Refusal:
                self.failures += 1
                return
            place.notes += 1
            if await self._hear(place, namespace) and place.notes >= _SUM:
                place.notes = 0
                await self._kit.cache.put(f"{_BEFORE}:{place.box}", write(namespace.sum_up(place.after)), _KEEP)

    def _place(self, name: str, namespace: Namespace) -> _Place:
        """Vectors of two builds are not alike, nor is what is learnt of them: each has a log of its own."""
        place: _Place | None = namespace.place
        if place is None:
            told = hashlib.sha256(f"{self._embedder.fingerprint}\0{name}".encode()).hexdigest()
            place = namespace.place = _Place(f"semantic:{told[:32]}", secrets.token_hex(8))
        return place

    async def _hear(self, place: _Place, namespace: Namespace) -> bool:
        """Take what the others noted; whether the store was there."""
        first = place.heard is None
        place.heard = self._kit.clock.now()
        if first:
            await self._begin(place, namespace)
        try:
            found = await self._kit.mailbox.read(place.box, place.after, 0)
        except Refusal:
            self.failures += 1
            return False
        heard = False
        for identity, content in found:
            place.after = identity
            note = read_note(content)
            if note is not None and note.node != place.node:
                namespace.hear(note)
                place.notes += 1
                heard = True
        if heard:
            await self.fit(namespace)
            namespace.settle()
        return True

    async def _begin(self, place: _Place, namespace: Namespace) -> None:
        """What was known before this process was."""
        learnt = read_learnt(await self._kit.cache.get(f"{_BEFORE}:{place.box}"))
        if learnt is None:
            return
        place.after = learnt.after
        namespace.absorb(learnt)
        await self._embedder.run(namespace.verdict.fit)
        namespace.settle()

    async def fit(self, namespace: Namespace) -> None:
        """Learn, where there is enough news."""
        if namespace.verdict.due:
            await self._embedder.run(namespace.verdict.fit)
