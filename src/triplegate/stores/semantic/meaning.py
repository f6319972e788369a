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

from triplegate.core.exchange import Exchange
from triplegate.core.ports import Kit, Near
from triplegate.stores.answers.kept import Kept, read, write
from triplegate.stores.answers.purging import TAG, purged_before
from triplegate.stores.answers.recall import team_of
from triplegate.stores.semantic.agreement import Said, agree, said
from triplegate.stores.semantic.embedding import Embedder, Embeds
from triplegate.stores.semantic.judging import Judge, Judging
from triplegate.stores.semantic.namespace import COMPLAINT, Namespace
from triplegate.stores.semantic.neighbours import MOST, Candidate, candidate, write_question
from triplegate.stores.semantic.notes import Note
from triplegate.stores.semantic.sharing import Sharing
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
    name: str
    """Of the namespace."""
    scope: str
    """Digest of all that must be equal."""
    asker: Exchange | None
    model: str
    """What made the vector."""
    vector: bytes | None
    static: bytes | None
    candidate: Candidate | None
    chance: float
    decision: Literal["serve", "audit", "ask"]


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an entry stands, and who may be told it: they may say that it was wrong."""

    tenant: str
    name: str
    """Of the namespace."""
    scope: str


class Compared(msgspec.Struct, frozen=True, eq=False):
    """A known answer beside a new one."""

    agrees: bool | None
    """Whether both say the same; None where that cannot be told."""
    question: bytes
    """Vector of the first question that got it."""
    text: str


_told = msgspec.msgpack.Decoder(Told).decode
_answered = msgspec.msgpack.Decoder(Answered).decode
_encode = msgspec.msgpack.Encoder().encode


class Meaning:
    """The semantic memory of this process: models, namespaces, quotas."""

    __slots__ = ("_inserts", "_kit", "_told", "embedder", "judge", "namespaces", "sharing", "static")

    def __init__(self, kit: Kit, embedder: Embeds, static: Embedder | None) -> None:
        self._kit, self.embedder, self.static = kit, embedder, static
        self.judge = Judge(kit)
        self.sharing = Sharing(kit, embedder) if kit.cache.shared else None
        """With other nodes; None where there are none."""
        self.namespaces: OrderedDict[str, Namespace] = OrderedDict()
        self._told: OrderedDict[str, Told] = OrderedDict()
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
        self._told[entry] = Told(looked.tenant, looked.name, looked.scope)
        if len(self._told) > _TOLD:
            self._told.popitem(last=False)

    async def feedback(self, entry: str, tenants: Sequence[str], *, right: bool) -> bool:
        """What a caller says of an entry that it was told; False for an unknown one, or another tenant's."""
        told = self._told.get(entry)
        if told is None and self.sharing is not None:
            told = _read_told(await self._kit.cache.get(f"{TAG}:entry:{entry}"))
        if told is None or told.tenant not in tenants:
            return False
        if not right:
            await self._note(told.name, self.namespaces.get(told.name) or Namespace(1.0, 1.0), COMPLAINT)
            await self._kit.vectors.drop(self.questions(told.scope), entry)
            await self._kit.cache.drop(f"{TAG}:entry:{entry}")
            self._told.pop(entry, None)
        return True

    # a question ----------------------------------------------------------------------------------------------------
    def questions(self, scope: str) -> str:
        """The space of questions of one scope."""
        return f"{self.embedder.fingerprint}:q:{scope}"

    def answers(self, name: str) -> str:
        """The space of a namespace's answers."""
        return f"{self.embedder.fingerprint}:a:{name}"

    async def look(
        self,
        text: str,
        name: str,
        namespace: Namespace,
        scope: str,
        tenant: str = "",
        asker: Exchange | None = None,
    ) -> Looked:
        """The candidate for `text` among what is known in `scope`, and what becomes of it."""
        static, vector, found = None, None, None
        worth = True
        if self.static is not None and self.static.ready:
            static = await self.static.embed(text)
            worth = static is None or await self._worth(scope, static)
        if worth:
            vector = await self.embedder.embed(text, asker=asker)
        model = self.embedder.fingerprint
        if vector is not None:
            if self.sharing is not None:
                await self.sharing.freshen(name, namespace)
            found = candidate(words(text), await self._kit.vectors.near(self.questions(scope), vector, MOST))
        chance, decision = _decided(namespace, found)
        return Looked(namespace, tenant, name, scope, asker, model, vector, static, found, chance, decision)

    async def _worth(self, scope: str, static: bytes) -> bool:
        near = await self._kit.vectors.near(f"{self.questions(scope)}:s", static, 1)
        return bool(near) and near[0].similarity >= _LOOSE

    async def answer(self, looked: Looked) -> Kept | None:
        """The candidate's answer; None where it was forgotten or purged since, and then so is the question."""
        assert looked.candidate is not None
        kept = read(await self._kit.cache.get(f"{TAG}:told:{looked.candidate.answer}"))
        team = "" if looked.asker is None else team_of(looked.asker.principal)
        if kept is not None and kept.at < await purged_before(self._kit.cache, team):
            kept = None
        if kept is None:
            await self._kit.vectors.drop(self.questions(looked.scope), looked.candidate.entry)
        return kept

    # what came out of it -------------------------------------------------------------------------------------------
    async def learn(
        self,
        looked: Looked,
        text: str,
        kept: Kept,
        tags: Sequence[str],
        ttl: float,
        inserter: str,
        judging: Judging | None = None,
    ) -> None:
        """A provider has answered: learn whether the candidate says the same, and keep what is new."""
        told = answer_text(kept)
        vectors = await self._vectors(looked, text, told) if told else None
        if vectors is None:
            return
        vector, answer = vectors
        near = await self._kit.vectors.near(self.answers(looked.name), answer, _ANSWERS)
        compared = _compared(said(told), near)
        if judging is not None:
            await self._ask_judge(judging, looked, text, told, compared)
        same = next((name for name, one in compared.items() if one.agrees), "")
        await self._label(looked, vector, compared, same)
        if not same and any(one.agrees is None for one in compared.values()):
            return  # it may be one that is known: another entry would be its own rival
        if not self._may_insert(inserter):
            return
        identity = same or looked.namespace.make_id()
        if not same or _few(near, same):
            payload = _encode(Answered(identity, told, vector))
            await self._kit.vectors.add(self.answers(looked.name), f"{identity}.{len(near)}", answer, payload, ttl)
        await self._kit.cache.put(f"{TAG}:told:{identity}", write(kept), ttl, tags)
        await self._insert(looked, text, vector, identity, ttl)

    async def _vectors(self, looked: Looked, text: str, told: str) -> tuple[bytes, bytes] | None:
        """Of the question and of what was answered, by one and the same model; None where they cannot be had."""
        answer = await self.embedder.embed(told, later=True, asker=looked.asker)
        model, vector = self.embedder.fingerprint, looked.vector
        if vector is None or looked.model != model:
            vector = await self.embedder.embed(text, later=True, asker=looked.asker)
        if vector is None or answer is None or model != self.embedder.fingerprint:
            return None
        return vector, answer

    async def _ask_judge(
        self, judging: Judging, looked: Looked, text: str, told: str, compared: dict[str, Compared]
    ) -> None:
        """Where it cannot be told whether the candidate's answer is this one, a judge may know."""
        found, asker = looked.candidate, looked.asker
        one = compared.get(found.answer) if found is not None else None
        if found is None or asker is None or one is None or one.agrees is not None:
            return
        judged = await self.judge.compare(judging, asker, text, one.text, told)
        looked.namespace.judged(judging.model, judged, found.similarity)
        compared[found.answer] = Compared(judged.agrees, one.question, one.text)

    async def _insert(self, looked: Looked, text: str, vector: bytes, answer: str, ttl: float) -> None:
        name, space = looked.namespace.make_id(), self.questions(looked.scope)
        payload = write_question(text, answer)
        if self.sharing is not None:  # whoever is told it may complain of it anywhere, from the first moment on
            told = _encode(Told(looked.tenant, looked.name, looked.scope))
            await self._kit.cache.put(f"{TAG}:entry:{name}", told, ttl)
        await self._kit.vectors.add(space, name, vector, payload, ttl)
        if self.static is not None and self.static.ready:
            static = looked.static or await self.static.embed(text)
            if static is not None:
                await self._kit.vectors.add(f"{space}:s", name, static, b"", ttl)

    async def _label(self, looked: Looked, vector: bytes, compared: dict[str, Compared], same: str) -> None:
        """Learn whether the candidate's answer would have been right, where that can be told."""
        found, namespace = looked.candidate, looked.namespace
        if found is None:
            return
        known = compared.get(found.answer)
        agrees = True if same == found.answer else known.agrees if known is not None else False
        if agrees is None or (not agrees and _slip(found, vector, compared, same)):
            return
        if not agrees and await self.answer(looked) is None:
            return  # what was purged may have been right in its time
        audited = looked.decision == "audit"
        await self._note(looked.name, namespace, Note(found.features, found.answer, looked.chance, agrees, audited))
        if audited and not agrees:
            await self._kit.vectors.drop(self.questions(looked.scope), found.entry)
        if namespace.verdict.due:
            await self.embedder.run(namespace.verdict.fit)
            namespace.settle()

    async def _note(self, name: str, namespace: Namespace, note: Note) -> None:
        if self.sharing is not None:
            await self.sharing.tell(name, namespace, note)
        else:
            namespace.take_note(note)

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


def _read_told(content: bytes | None) -> Told | None:
    try:
        return None if content is None else _told(content)
    except msgspec.MsgspecError:
        return None


def _decided(namespace: Namespace, found: Candidate | None) -> tuple[float, Literal["serve", "audit", "ask"]]:
    """How likely the candidate is right, and what becomes of it."""
    namespace.asked(None if found is None else found.features)
    if found is None:
        return 0.0, "ask"
    chance = namespace.chance(found)
    if found.forbidden:
        namespace.vetoed(found.forbidden, found.similarity)
        return chance, "ask"
    return chance, namespace.decide(chance)


def _compared(fresh: Said, near: Sequence[Near]) -> dict[str, Compared]:
    """By known answer: whether `fresh` says the same; one wording is enough."""
    found: dict[str, Compared] = {}
    for one in near:
        known = _answered(one.payload)
        agrees = agree(fresh, said(known.text), one.similarity)
        before = found.get(known.answer)
        if before is None or agrees or (agrees is None and before.agrees is False):
            found[known.answer] = Compared(agrees, known.question, known.text)
    return found


def _few(near: Sequence[Near], answer: str) -> bool:
    return sum([_answered(one.payload).answer == answer for one in near]) < _VARIANTS


def _slip(found: Candidate, vector: bytes, compared: dict[str, Compared], same: str) -> bool:
    """The provider said what belongs to another topic: that tells of the provider, not of the candidate."""
    if not same or same in found.answers:
        return False
    question: Any = np.frombuffer(compared[same].question, np.float32)
    return float(question @ np.frombuffer(vector, np.float32)) < found.similarity - _FAR
