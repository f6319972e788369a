"""Answer a question with the answer of one that means the same, as long as that is right often enough."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from triplegate.config.documents_base import Document
from triplegate.config.types import ModelRef, Size
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.answers.kept import Kept
from triplegate.stores.answers.purging import tags_of
from triplegate.stores.answers.recall import HEADER, Asked, Recall, Terms, team_of

if TYPE_CHECKING:
    from triplegate.stores.semantic.judging import Judging
    from triplegate.stores.semantic.meaning import Looked, Meaning


class EndpointEmbedder(Document):
    """A model of the llm gate makes the vectors: each caller's call, within its limits, in the ledger."""

    kind: Literal["endpoint"]
    """Names this embedder: `endpoint`."""
    model: ModelRef
    """Model of the llm gate that embeds."""
    dimensions: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Dimensions to ask it for; what it gives by itself when absent."""
    timeout: Duration = 1.0
    """Longest wait of a caller; after it only an equal question's answer will do."""


class JudgeDocument(Document):
    """A model of the llm gate that says whether two answers say the same, where cheaper signs do not tell."""

    model: ModelRef
    """Model of the llm gate that is asked, after the reply."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the unclear ones for which it is asked."""
    timeout: Duration = 10.0
    """Longest wait for its verdict."""


class SemanticCache(Policy):
    """Remember answers of models, and tell them again to whoever asks the same, or what means the same.

    What means the same is decided by a model of how questions are alike, which learns from what providers answer when
    they are asked. It serves only while no more than `wrong` of what it serves is wrong. Numbers, names, denial, word
    order, language and form must be the same whatever it has learnt.
    """

    use: Literal["semantic_cache"] = "semantic_cache"
    stage: ClassVar = Stage.RECALL
    gates: ClassVar = frozenset({"llm"})
    reads_call: ClassVar = "whole"
    reads_reply: ClassVar = "events"
    ttl: Duration = 3600.0
    """How long an answer is remembered."""
    scope: Literal["org", "team", "consumer", "key"] = "team"
    """Who shares answers."""
    wrong: Annotated[float, Field(gt=0, le=0.2)] = 0.02
    """Largest share of wrong answers among those that are told again."""
    audit: Annotated[float, Field(ge=0.005, le=0.5)] = 0.02
    """Share of them for which the provider is asked all the same, to see whether they are right."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.3
    """Highest temperature of a question that may get another one's answer."""
    embedder: Literal["auto", "sentence-transformers", "onnx", "static"] | EndpointEmbedder = "auto"
    """What questions are compared with; `auto`: what `triplegate embed export` made, else what is installed."""
    model: str = ""
    """Name or path of the embedding model; the packaged one by default."""
    judge: JudgeDocument | None = None
    """Who says whether two answers say the same, where that is not clear; nobody when absent."""
    tags: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """Names by which these answers can be purged."""
    largest: Size = 262_144
    """Longest question, and longest answer, that is remembered."""
    client_control: bool = True
    """Honour Cache-Control of clients: no-store, no-cache, max-age, only-if-cached."""

    def terms(self) -> Terms:
        """What is said, as the engine of equal questions reads it."""
        finishes = frozenset({"stop"})
        return Terms(self.label, self.ttl, self.scope, False, finishes, self.tags, self.largest, self.client_control)

    def status(self, kit: Kit) -> str:
        """What is missing; equal questions are answered all the same."""
        from triplegate.stores.semantic.making import missing

        return missing(self.embedder, kit.base, self.model) if isinstance(self.embedder, str) else ""

    def prepare(self, kit: Kit) -> None:
        """Have the models of meaning, and what a judge's texts are looked at with."""
        self._meaning(kit)
        if self.judge is not None:
            from triplegate.stores.semantic.judging import prepare

            prepare()

    def build(self, kit: Kit) -> Step:
        """Look for an equal question, then for one that means the same, then join or ask."""
        return _Step(self, kit, None if kit.offline else self._meaning(kit))

    def _meaning(self, kit: Kit) -> "Meaning | None":
        from triplegate.stores.semantic.making import meaning_at, meaning_of

        embedder = self.embedder
        if isinstance(embedder, str):
            return meaning_of(kit, embedder, self.model)
        return meaning_at(kit, embedder.model, embedder.dimensions or 0, embedder.timeout)

    def judging(self) -> "Judging | None":
        """Who is asked, as the engine reads it."""
        from triplegate.stores.semantic.judging import Judging

        judge = self.judge
        return None if judge is None else Judging(judge.model, judge.share, judge.timeout)


class _Step:
    """The step of one chain."""

    __slots__ = ("_enforce", "_judging", "_meaning", "_policy", "_recall", "_why_not")

    def __init__(self, policy: SemanticCache, kit: Kit, meaning: "Meaning | None") -> None:
        from triplegate.stores.semantic.eligible import why_not_meant

        self._policy, self._meaning, self._why_not = policy, meaning, why_not_meant
        self._recall = Recall(kit, policy.terms())
        self._enforce = policy.mode == "enforce"
        self._judging = policy.judging()

    async def __call__(self, exchange: Exchange, proceed: Proceed) -> Reply:
        recall, policy = self._recall, self._policy
        asked = recall.asked(exchange)
        if isinstance(asked, str):
            if asked:
                exchange.reply_headers.append((HEADER, b"bypass"))
                exchange.decisions.append((policy.label, "bypass", asked))
            return await proceed(exchange)
        kept = await recall.find(exchange, asked)
        if kept is not None and self._enforce:
            return await recall.tell(exchange, kept, "layer=exact")
        looked = await self._look(exchange, asked)
        if looked is None:
            return await recall.join_or_ask(exchange, proceed, asked)
        if looked.decision == "serve":
            told = await self._told(exchange, asked, looked)
            if told is not None:
                return told
        return await recall.join_or_ask(exchange, proceed, asked, self._learning(exchange, asked, looked))

    async def _look(self, exchange: Exchange, asked: Asked) -> "Looked | None":
        """What is known of questions like this one; None where nothing may be compared with it."""
        meaning, policy = self._meaning, self._policy
        if meaning is None or not asked.wishes.use:
            return None
        why = self._why_not(asked, policy.temperature, personal=policy.scope in ("consumer", "key"))
        if why:
            exchange.decisions.append((policy.label, "exact only", why))
            return None
        meaning.begin()
        if not meaning.embedder.ready:
            return None
        name = f"{policy.label}|{asked.tenant}|{exchange.call.model}"
        namespace = meaning.namespace(name, policy.wrong, policy.audit)
        return await meaning.look(asked.normal.text, name, namespace, asked.scope.hex(), asked.tenant, exchange)

    async def _told(self, exchange: Exchange, asked: Asked, looked: "Looked") -> Reply | None:
        """The candidate's answer; None where it is not there any more, or nothing is told yet."""
        meaning, found = self._meaning, looked.candidate
        assert meaning is not None
        assert found is not None
        kept = await meaning.answer(looked)
        if kept is None:
            return None
        age = exchange.house.clock.wall() - kept.at
        if asked.wishes.oldest is not None and age > asked.wishes.oldest:
            return None
        how = f"layer=semantic; sim={found.similarity:.3f}; p={looked.chance:.3f}; entry={found.entry}"
        if not self._enforce:
            exchange.decisions.append((self._policy.label, "would hit", how))
            return None
        looked.namespace.saved += kept.cost
        meaning.remember_entry(found.entry, looked)
        exchange.decisions.append((self._policy.label, "hit", how))
        return await self._recall.tell(exchange, kept, how)

    def _learning(self, exchange: Exchange, asked: Asked, looked: "Looked") -> Callable[[Kept], Any]:
        meaning, policy, principal, judging = self._meaning, self._policy, exchange.principal, self._judging
        assert meaning is not None
        tags = tags_of(team_of(principal), exchange.call.model, policy.tags)
        inserter = f"{team_of(principal)}/{principal.key_id}" if principal is not None else ""

        async def learn(kept: Kept) -> None:
            await meaning.learn(looked, asked.normal.text, kept, tags, policy.ttl, inserter, judging)

        return learn
