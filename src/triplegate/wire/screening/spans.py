"""Pieces of a text that must not pass, whoever finds them, and the text with something else in their place."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Protocol

import msgspec


class Span(msgspec.Struct, frozen=True, gc=False, order=True):
    """One of them."""

    start: int
    end: int
    kind: str
    """What it is, as verdicts and placeholders name it: email, secret, word, …"""


class Finder(Protocol):
    """Finds one family of them."""

    spaced: int
    """Characters of the longest one that may hold white space, with what must stand before it."""
    dense: int
    """Characters of the longest one without white space."""

    def __call__(self, text: str, /) -> Iterable[Span]:
        """All in `text`, in any order."""
        ...


Replace = Callable[[str, str], str]
"""(kind, piece) → what stands in its place."""


def found(finders: Sequence[Finder], text: str) -> list[Span]:
    """What all of them find, in order; of overlapping ones one that covers both."""
    return apart([span for finder in finders for span in finder(text)])


def apart(spans: Iterable[Span]) -> list[Span]:
    """In order; of overlapping ones one that covers both."""
    ordered = sorted(spans)
    if len(ordered) < 2:
        return ordered
    found = [ordered[0]]
    for span in ordered[1:]:
        last = found[-1]
        if span.start >= last.end:
            found.append(span)
        elif span.end > last.end:
            found[-1] = Span(last.start, span.end, last.kind)
    return found


def replaced(text: str, spans: Sequence[Span], replace: Replace) -> str:
    """The text with every span replaced."""
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += (text[at : span.start], replace(span.kind, text[span.start : span.end]))
        at = span.end
    return "".join(pieces) + text[at:]


def moved(spans: Iterable[Span], places: int) -> list[Span]:
    """The same so many places further on."""
    return [Span(span.start + places, span.end + places, span.kind) for span in spans]


def parted(text: str, spans: Sequence[Span], places: Sequence[int], replace: Replace) -> list[str]:
    """The pieces of the text between `places`, with every span replaced in the one where it begins."""
    new = [(span, replace(span.kind, text[span.start : span.end])) for span in spans]
    pieces: list[str] = []
    for start, end in pairwise(places):
        piece, at = "", start
        for span, instead in new:
            if span.start < end and span.end > start:
                piece += text[at : max(at, span.start)]
                if span.start >= start:
                    piece += instead
                at = min(span.end, end)
        pieces.append(piece + text[at:end])
    return pieces
