"""Do two answers say the same? Cheap signs first; where they do not tell, nobody knows, and nothing is learnt."""

import msgspec

from triplegate.stores.semantic.words import Words, words

_SAME, _ALIKE, _APART = 0.97, 0.78, 0.60
_COMMON, _LITTLE = 0.65, 0.35
_LONGEST = 4000
"""Characters of an answer that are compared word by word."""


class Said(msgspec.Struct, frozen=True, eq=False):
    """An answer as it is compared."""

    words: Words
    content: frozenset[str]


def said(text: str) -> Said:
    """An answer, taken apart."""
    taken = words(text[:_LONGEST])
    return Said(taken, frozenset(taken.content))


def agree(one: Said, other: Said, near: float) -> bool | None:
    """True when both say the same, False when they do not, None when it cannot be told (llm.md §10.6).

    `near` is the cosine of their vectors.
    """
    if one.words.normal == other.words.normal:
        return True
    common = _overlap(one.content, other.content)
    if near < _APART or common < _LITTLE:
        return False
    counted = one.words.numbers == other.words.numbers
    denied = one.words.denied % 2 == other.words.denied % 2
    if not counted:
        return False if common < _COMMON else None
    if near >= _SAME or (near >= _ALIKE and common >= _COMMON):
        return True if denied else None
    return None


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the shorter one's words that the longer one has, too."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 0.0
