"""Look for the answer to a question that means the same, and learn from what providers answer when they are asked.

A question is embedded once; of its neighbours in the same scope the favoured answer is a candidate, unless a veto
forbids it. Whether it is told is the namespace's decision. What a provider answers is compared with the candidate's
answer afterwards: that is what the namespace learns from.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from triplegate.core.ports import Kit, Near
from triplegate.stores.answers.kept import Kept, read, write
from triplegate.stores.answers.purging import TAG
from triplegate.stores.semantic.agreement import Said, agree, said
from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.namespace import Namespace
from triplegate.stores.semantic.neighbours import MOST, Candidate, candidate, write_question
from triplegate.stores.semantic.words import words
from triplegate.wire.neutral_events import gather

_LOOSE = 0.55
"""First look: where the static model finds nothing more alike than this, the better model would not either."""
_ANSWERS = 8
"""Known answers that a new one is compared with."""
_VARIANTS = 4
"""Wordings of one answer that are kept to compare with."""
_FAR = 0.25
"""How much less alike the questions of an answer must be for it to be another topic's: a provider's slip."""
_NAMESPACES = 256
_TOLD = 4096
_INSERTS = 10_000
"""New entries of one key an hour."""


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """What stands beside an answer's vector."""

    answer: str
    text: str
    question: bytes
    """Vector of the first question that got it."""


class Looked(msgspec.Struct, frozen=True, eq=False):
    """What a look found."""

    namespace: Namespace
    tenant: str
    space: str
    known: str
    """The space of the namespace's answers."""
    vector: bytes | None
    static: bytes | None
    candidate: Candidate | None
    chance: float
    decision: Literal["serve", "audit", "ask"]


_answered = msgspec.msgpack.Decoder(Answered).decode
_encode = msgspec.msgpack.Encoder().encode


class Meaning:
    """The semantic memory of this process: models, namespaces, quotas."""

    __slots__ = ("_inserts", "_kit", "_told", "embedder", "namespaces", "static")

    def __init__(self, kit: Kit, embedder: Embedder, static: Embedder | None) -> None:
        self._kit, self.embedder, self.static = kit, embedder, static
        self.namespaces: OrderedDict[str, Namespace] = OrderedDict()
        self._told: OrderedDict[str, Looked] = OrderedDict()
        """Entries that were told lately: their callers may say that they were wrong."""
        self._inserts: dict[tuple[str, int], int] = {}

    def namespace(self, name: str, delta: float, share: float, seed: int | None = None) -> Namespace:
        """The statistics of that name; the one used longest ago is forgotten when there are too many."""
        found = self.namespaces.get(name)
        if found is None:
            found = self.namespaces[name] = Namespace(delta, share, seed)
            if len(self.namespaces) > _NAMESPACES:
                self.namespaces.popitem(last=False)
        self.namespaces.move_to_end(name)
        found.take(delta, share)
        return found

    def begin(self) -> None:
        """Load the models, where that has not begun."""
        self.embedder.begin()
        if self.static is not None:
            self.static.begin()

    def remember_entry(self, entry: str, looked: "Looked") -> None:
        """An entry was told: its caller may say that it was wrong."""
        self._told[entry] = looked
        if len(self._told) > _TOLD:
            self._told.popitem(last=False)

    async def feedback(self, entry: str, tenants: Sequence[str], *, right: bool) -> bool:
        """What a caller says of an entry that it was told; False for an unknown one, or another tenant's."""
        looked = self._told.get(entry)
        if looked is None or looked.tenant not in tenants:
            return False
        assert looked.candidate is not None
        if not right:
            looked.namespace.doubt()
            await self._kit.vectors.drop(looked.space, entry)
            del self._told[entry]
        return True

    # a question ----------------------------------------------------------------------------------------------------
    async def look(self, text: str, name: str, namespace: Namespace, scope: str, tenant: str = "") -> Looked:
        """The candidate for `text` among what is known in `scope`, and what becomes of it."""
        model = self.embedder.fingerprint
        space, known = f"{model}:q:{scope}", f"{model}:a:{name}"
        static, vector = None, None
        if self.static is not None and self.static.ready:
            static = await self.static.embed(text)
            if static is not None and not await self._worth(space, static):
                namespace.asked(None)
                return Looked(namespace, tenant, space, known, None, static, None, 0.0, "ask")
        vector = await self.embedder.embed(text)
        found = None
        if vector is not None:
            found = candidate(words(text), await self._kit.vectors.near(space, vector, MOST))
        if found is None:
            namespace.asked(None)
            return Looked(namespace, tenant, space, known, vector, static, None, 0.0, "ask")
        namespace.asked(found.features)
        chance = namespace.chance(found)
        if found.forbidden:
            namespace.vetoed(found.forbidden, found.similarity)
            return Looked(namespace, tenant, space, known, vector, static, found, chance, "ask")
        return Looked(namespace, tenant, space, known, vector, static, found, chance, namespace.decide(chance))

    async def _worth(self, space: str, static: bytes) -> bool:
        near = await self._kit.vectors.near(f"{space}:s", static, 1)
        return bool(near) and near[0].similarity >= _LOOSE

    async def answer(self, looked: Looked) -> Kept | None:
        """The candidate's answer; None where it was forgotten since, and then so is the question."""
        assert looked.candidate is not None
        kept = read(await self._kit.cache.get(f"{TAG}:told:{looked.candidate.answer}"))
        if kept is None:
            await self._kit.vectors.drop(looked.space, looked.candidate.entry)
        return kept

    # what came out of it -------------------------------------------------------------------------------------------
    async def learn(
        self, looked: Looked, text: str, kept: Kept, tags: Sequence[str], ttl: float, inserter: str
    ) -> None:
        """A provider has answered: learn whether the candidate says the same, and keep what is new."""
        told = answer_text(kept)
        vector = looked.vector or await self.embedder.embed(text, later=True)
        answer = await self.embedder.embed(told, later=True)
        if vector is None or answer is None or not told:
            return
        fresh = said(told)
        near = await self._kit.vectors.near(looked.known, answer, _ANSWERS)
        compared = _compared(fresh, near)
        same = next((name for name, (agrees, _) in compared.items() if agrees), "")
        await self._label(looked, vector, compared, same)
        if not same and any(agrees is None for agrees, _ in compared.values()):
            return  # it may be one that is known: another entry would be its own rival
        if not self._may_insert(inserter):
            return
        identity = same or looked.namespace.make_id()
        if not same or _few(near, same):
            payload = _encode(Answered(identity, told, vector))
            await self._kit.vectors.add(looked.known, f"{identity}.{len(near)}", answer, payload, ttl)
        await self._kit.cache.put(f"{TAG}:told:{identity}", write(kept), ttl, tags)
        await self._insert(looked, text, vector, identity, ttl)

    async def _insert(self, looked: Looked, text: str, vector: bytes, answer: str, ttl: float) -> None:
        name = looked.namespace.make_id()
        payload = write_question(text, answer)
        await self._kit.vectors.add(looked.space, name, vector, payload, ttl)
        if self.static is not None and self.static.ready:
            static = looked.static or await self.static.embed(text)
            if static is not None:
                await self._kit.vectors.add(f"{looked.space}:s", name, static, b"", ttl)

    async def _label(
        self, looked: Looked, vector: bytes, compared: dict[str, tuple[bool | None, bytes]], same: str
    ) -> None:
        """Learn whether the candidate's answer would have been right, where that can be told."""
        found, namespace = looked.candidate, looked.namespace
        if found is None:
            return
        agrees = True if same == found.answer else compared.get(found.answer, (False, b""))[0]
        if agrees is None or (not agrees and _slip(found, vector, compared, same)):
            return
        audited = looked.decision == "audit"
        namespace.learn(found, looked.chance, agrees, audited)
        if audited and not agrees:
            await self._kit.vectors.drop(looked.space, found.entry)
        if namespace.verdict.due:
            await self.embedder.run(namespace.verdict.fit)
            namespace.settle()

    def _may_insert(self, inserter: str) -> bool:
        hour = int(self._kit.clock.now() // 3600)
        key = (inserter, hour)
        if key not in self._inserts and len(self._inserts) > 4096:
            self._inserts = {one: count for one, count in self._inserts.items() if one[1] == hour}
        count = self._inserts[key] = self._inserts.get(key, 0) + 1
        return count <= _INSERTS


def answer_text(kept: Kept) -> str:
    """What an answer says."""
    return "\n".join([block.text for block in gather(kept.events).blocks if block.kind == "text"])


def _compared(fresh: Said, near: Sequence[Near]) -> dict[str, tuple[bool | None, bytes]]:
    """By known answer: whether `fresh` says the same, and the first question that got it; one wording is enough."""
    found: dict[str, tuple[bool | None, bytes]] = {}
    for one in near:
        known = _answered(one.payload)
        agrees = agree(fresh, said(known.text), one.similarity)
        before = found.get(known.answer)
        if before is None or agrees or (agrees is None and before[0] is False):
            found[known.answer] = (agrees, known.question)
    return found


def _few(near: Sequence[Near], answer: str) -> bool:
    return sum([_answered(one.payload).answer == answer for one in near]) < _VARIANTS


def _slip(found: Candidate, vector: bytes, compared: dict[str, tuple[bool | None, bytes]], same: str) -> bool:
    """The provider said what belongs to another topic: that tells of the provider, not of the candidate."""
    if not same or same in found.answers:
        return False
    question: Any = np.frombuffer(compared[same][1], np.float32)
    return float(question @ np.frombuffer(vector, np.float32)) < found.similarity - _FAR
