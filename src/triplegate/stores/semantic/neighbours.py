"""The answer that the nearest questions favour, as far as nothing forbids it."""

from collections.abc import Sequence
from math import exp

import msgspec

from triplegate.core.ports import Near
from triplegate.stores.semantic.verdict import Seen
from triplegate.stores.semantic.vetoes import veto
from triplegate.stores.semantic.vocabulary import STOP
from triplegate.stores.semantic.words import Words, words

MOST = 10
"""Neighbours that are asked for."""
_SHARPNESS = 12.0
"""How much less a neighbour counts that is less alike."""


class Question(msgspec.Struct, frozen=True, array_like=True):
    """What stands beside a question's vector."""

    text: str
    answer: str
    """Id of the answer it got."""


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """An answer that may be told, and what speaks for it."""

    answer: str
    features: tuple[float, ...]
    similarity: float
    entry: str
    """The nearest question that got it and may be compared; of a forbidden one just the nearest."""
    forbidden: str
    """Why it may not be told; empty when it may."""
    answers: frozenset[str]
    """All answers that are near."""


_question = msgspec.msgpack.Decoder(Question).decode
_write = msgspec.msgpack.Encoder().encode


def write_question(text: str, answer: str) -> bytes:
    """As it is kept beside the vector."""
    return _write(Question(text, answer))


def candidate(said: Words, near: Sequence[Near]) -> Candidate | None:
    """The favoured answer; None where nothing is near."""
    known = [(one, _question(one.payload)) for one in near]
    if not known:
        return None
    top = known[0][0].similarity
    weights: dict[str, float] = {}
    for one, question in known:
        weights[question.answer] = weights.get(question.answer, 0.0) + exp((one.similarity - top) * _SHARPNESS)
    answer = max(weights, key=lambda name: weights[name])
    mine = [(one, words(question.text)) for one, question in known if question.answer == answer]
    why, open_ = "", []
    for one, other in mine:
        found = veto(said, other)
        if found:
            why = why or found
        else:
            open_.append(one)
    best = open_[0] if open_ else mine[0][0]
    rivals = [one.similarity for one, question in known if question.answer != answer]
    # where all that is near got one answer, the next one is at most as alike as the last of them
    rival = rivals[0] if rivals else (known[-1][0].similarity if len(known) >= MOST else 0.0)
    seen = Seen(
        best.similarity,
        rival,
        weights[answer] / sum(weights.values()),
        len(mine),
        _novelty(said, [other for _, other in mine]),
        any(other.normal == said.normal for _, other in mine),
    )
    forbidden = "" if open_ else why
    return Candidate(answer, seen.features(), best.similarity, best.name, forbidden, frozenset(weights))


def _novelty(said: Words, others: Sequence[Words]) -> float:
    """Share of the words that may decide an answer that none of the others has."""
    own = {word for word in said.normal if word not in STOP}
    known: set[str] = set()
    for other in others:
        known.update(other.normal)
    return len(own - known) / max(1, len(own))
