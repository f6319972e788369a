"""A question to a guard and its verdict: pieces of text with their places, kinds of finds, spans in characters."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from triplegate.wire.screening.spans import Span

Where = Literal["input", "tool_results", "output"]
Action = Literal["allow", "annotate", "mask", "block"]
Unit = Literal["characters", "utf16", "bytes"]

OTHER = "found"
"""Kind of a find that has no name of its own."""
_NO_WORD = re.compile(r"[^a-z]+")
_LONGEST = 24
"""Characters of a kind: as many as a placeholder may have."""
_LONE = re.compile("[\ud800-\udfff]")


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One text and where it stood."""

    where: Where
    text: str


class Call(msgspec.Struct, frozen=True):
    """What a guard may know of the call besides its texts."""

    id: str
    model: str
    team: str
    consumer: str


class Told(msgspec.Struct, frozen=True):
    """What a guard said of some pieces: kinds and places, never the text."""

    action: Action = "allow"
    kinds: Mapping[str, int] = {}
    """How many finds of which kind."""
    spans: Mapping[int, tuple[Span, ...]] = {}
    """To be masked, by the number of the piece."""


class Question(msgspec.Struct, frozen=True, eq=False):
    """What is sent, message by message, and how the answers are read."""

    bodies: tuple[bytes, ...]
    read: Callable[[Sequence[bytes]], Told]
    """Answers in the same order → the verdict. Raises ValueError or MsgspecError for what is none."""


Ask = Callable[[Sequence[Piece], Call], Question]
"""Puts the question of one guard."""


def kind_of(name: str) -> str:
    """A find's name as verdicts and placeholders bear it: letters and single underscores."""
    word = _NO_WORD.sub("_", name.lower()).strip("_")[:_LONGEST].rstrip("_")
    return word if len(word) > 1 else OTHER


def counted(names: Sequence[str]) -> dict[str, int]:
    """How many of each kind."""
    counts: dict[str, int] = {}
    for name in names:
        kind = kind_of(name)
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def plain(text: str) -> str:
    """The text as JSON can carry it: halves of surrogate pairs replaced, one character for one."""
    return text if text.isascii() else _LONE.sub("\ufffd", text)


def measured(text: str, unit: Unit) -> Callable[[int], int]:
    """From an offset in `unit` to one in characters. The function raises ValueError inside of a character."""
    if unit == "characters" or text.isascii():
        return lambda offset: offset
    steps = [_width(character, unit) for character in text]
    known: dict[int, int] = {}
    at = 0
    for place, step in enumerate(steps):
        known[at] = place
        at += step
    known[at] = len(text)

    def character(offset: int) -> int:
        if offset not in known:
            raise ValueError("an offset within a character, or behind the text")
        return known[offset]

    return character


def _width(character: str, unit: Unit) -> int:
    if unit == "utf16":
        return 2 if character > "\uffff" else 1
    return len(character.encode("utf-8", "surrogatepass"))


def span_of(start: int, end: int, length: int, name: str) -> Span:
    """A find's place. Raises ValueError where there is no such place."""
    if not 0 <= start < end <= length:
        raise ValueError("a span outside of its text")
    return Span(start, end, kind_of(name))
