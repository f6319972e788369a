"""The judge of topics: pieces of a text compared with examples of what may, or must not, be spoken of."""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from triplegate.core.errors import Refusal
from triplegate.stores.semantic.embedding import Embedder
from triplegate.wire.screening.holding import Find, Spoken, Where

_SENTENCE = re.compile(r"(?<=[.!?;:。！？])\s+|[\n\r]+|(?<=[。！？])")  # noqa: RUF001 - marks of other scripts
_SHORT = 25
_LONG = 400
"""Characters of one piece: what is said among much else would be lost in the meaning of the whole."""
_LONGEST = 16_384
"""Characters of a text that are looked at: so many of the beginning, and as many of the end."""
_AT_ONCE = 32
"""Pieces that are embedded together."""
_LEAST = 3
"""Words of the shortest text that must be on an allowed topic."""
_KEPT = 4096
_WAIT = 60.0
"""Seconds that calls wait for the model to be loaded."""


class Topic(msgspec.Struct, frozen=True):
    """One of them."""

    name: str
    examples: tuple[str, ...]


class Topics:
    """Says which topic must not be spoken of, or that none of the allowed ones is."""

    __slots__ = ("_allow", "_deny", "_embedder", "_examples", "_known", "_label", "_threshold", "where")

    def __init__(
        self,
        embedder: Embedder,
        deny: Sequence[Topic],
        allow: Sequence[Topic],
        threshold: float,
        where: frozenset[Where],
        label: str,
    ) -> None:
        """`threshold`: cosine from which on a piece is on the topic of an example."""
        self._embedder, self._deny, self._allow = embedder, deny, allow
        self._threshold, self.where, self._label = threshold, where, label
        self._examples: Any = None
        self._known: OrderedDict[bytes, str] = OrderedDict()
        """What was found in texts lately: conversations say the same again with each turn."""

    async def __call__(self, spoken: Spoken) -> Find | None:
        """The first text that must not pass. Raises Refusal policy_unavailable where no model can tell."""
        for text in spoken.texts:
            if why := await self._why_not(text):
                return Find("topic", why)
        return None

    async def _why_not(self, text: str) -> str:
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = await self._judged(text)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found

    async def _judged(self, text: str) -> str:
        cut = text if len(text) <= 2 * _LONGEST else text[:_LONGEST] + "\n" + text[-_LONGEST:]
        parts = pieces(cut)
        if not parts:
            return ""
        best = await self._likeness(parts)
        denied = len(self._deny)
        for number, topic in enumerate(self._deny):
            if best[number] >= self._threshold:
                return f"It is on a topic that is not allowed: {topic.name}."
        if not self._allow or len(text.split()) < _LEAST or bool((best[denied:] >= self._threshold).any()):
            return ""
        return "It is on none of the topics that are allowed."

    async def _likeness(self, parts: Sequence[str]) -> Any:
        """By topic, the cosine of the piece and the example of it that are most alike."""
        if self._examples is None:
            self._examples = await self._embedded([one for topic in self._topics for one in topic.examples])
        vectors = await self._embedded(parts)
        each = (vectors @ self._examples.T).max(axis=0)
        ends = np.cumsum([len(topic.examples) for topic in self._topics])
        return np.array([part.max() for part in np.split(each, ends[:-1])])

    @property
    def _topics(self) -> list[Topic]:
        return [*self._deny, *self._allow]

    async def _embedded(self, texts: Sequence[str]) -> Any:
        rows: list[Any] = []
        try:
            async with asyncio.timeout(_WAIT):
                there = await self._embedder.loaded()
        except TimeoutError:
            there = False
        for at in range(0, len(texts) if there else 0, _AT_ONCE):
            vectors = await self._embedder.embed_all(texts[at : at + _AT_ONCE])
            if vectors is None:
                there = False
                break
            rows += [np.frombuffer(vector, np.float32) for vector in vectors]
        if not there:
            reason = self._embedder.failure or "the embedding model is not there, or too much waits for it"
            raise Refusal(
                "policy_unavailable",
                "A security policy of this route cannot decide at the moment.",
                reason=reason,
                policy=self._label,
            )
        return np.stack(rows)


def pieces(text: str) -> list[str]:
    """The sentences of a text; short ones stand with the next, long ones are cut, at a space where there is one."""
    found: list[str] = []
    short = ""
    for sentence in _SENTENCE.split(text):
        rest = f"{short} {sentence}".strip()
        short = ""
        while len(rest) > _LONG:
            cut = rest.rfind(" ", _LONG // 2, _LONG)
            cut = _LONG if cut < 0 else cut
            found.append(rest[:cut])
            rest = rest[cut:].strip()
        if len(rest) < _SHORT:
            short = rest
        else:
            found.append(rest)
    return [*found, short] if short else found
