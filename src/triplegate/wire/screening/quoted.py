"""What a text says itself, and what it quotes: who asks about a sentence, or wants it translated, does not give it."""

import re

from triplegate.wire.screening.concepts import Concepts

_MOST = 16
_QUOTED = re.compile(
    r"\"([^\"\n]{8,400})\"|\u201c([^\u201c\u201d\n]{8,400})\u201d|\u201e([^\u201c\u201d\n]{8,400})[\u201c\u201d]"
    r"|\u00ab([^\u00ab\u00bb\n]{8,400})\u00bb|(?<!\w)'([^'\n]{8,400})'(?!\w)|`([^`\n]{8,400})`"
    r"|\u300c([^\u300d\n]{4,400})\u300d"
)
_MARKS = re.compile("[\"'`\u201c\u201e\u00ab\u300c]")
_GONE = '"\u2026"'


def parts(text: str, concepts: Concepts) -> list[tuple[str, int]]:
    """The text without its quoted pieces, then those; each with what its place means."""
    outside, pieces = parted(text)
    if not pieces:
        return [(text, 0)]
    given = concepts.quoting(outside)
    return [(outside, 0), *[(piece, given) for piece in pieces[:_MOST]]]


def parted(text: str) -> tuple[str, list[str]]:
    """The text without what it quotes, and the quoted pieces of several words."""
    if not _MARKS.search(text):
        return text, []
    pieces: list[str] = []

    def take(found: re.Match[str]) -> str:
        piece = found[found.lastindex or 0]
        if found.lastindex != _OF_JAPANESE and " " not in piece.strip():
            return found[0]
        pieces.append(piece)
        return _GONE

    outside = _QUOTED.sub(take, text)
    return outside, pieces


_OF_JAPANESE = 7
