"""Full-text search among tools: BM25 over names, descriptions and parameters."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from triplegate.gates.mcp.call import Item

_K1, _B = 1.2, 0.75
_NAME_WEIGHT = 3  # a word of the name counts as often as this many of the description
_LONGEST = 2000  # characters of a description that are looked at
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class _Schema(msgspec.Struct):
    properties: dict[str, Any] = {}


class _Said(msgspec.Struct):
    title: str | None = None
    description: str | None = None
    inputSchema: msgspec.Raw = msgspec.Raw(b"{}")  # noqa: N815 - as on the wire


_said = msgspec.json.Decoder(_Said).decode
_schema = msgspec.json.Decoder(_Schema).decode


class Index:
    """Made once for what a path shows; whoever asks leaves out what a caller may not see."""

    __slots__ = ("_average", "_items", "_lengths", "_places", "said")

    def __init__(self, items: Iterable[Item], before: "Index | None" = None) -> None:
        """`before`: an index of what the path showed earlier, from which the words of the same items are taken."""
        self._items = tuple(items)
        known = before.said if before is not None else {}
        self.said: dict[Item, Mapping[str, int]] = {}
        """Item → its words, and how often each stands there."""
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """Word → (item, how often)."""
        self._lengths: list[int] = []
        for number, item in enumerate(self._items):
            said = self.said[item] = known.get(item) or Counter(_words_of(item))
            self._lengths.append(sum(said.values()))
            for word, times in said.items():
                self._places[word].append((number, times))
        self._average = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0

    def search(self, query: str) -> list[str]:
        """Names of the items that have any of the words, best first; equals in the order of names."""
        scores: dict[int, float] = defaultdict(float)
        for word in set(words(query)):
            places = self._places.get(word, ())
            rarity = math.log(1 + (len(self._items) - len(places) + 0.5) / (len(places) + 0.5))
            for number, times in places:
                length = _K1 * (1 - _B + _B * self._lengths[number] / (self._average or 1.0))
                scores[number] += rarity * times * (_K1 + 1) / (times + length)
        ranked = sorted(scores, key=lambda number: (-scores[number], self._items[number].name))
        return [self._items[number].name for number in ranked]


def words(text: str) -> list[str]:
    """Words in lower case, without a plural's s; snake_case and camelCase are several."""
    return _plain(_HUMP.sub(" ", text))


def _plain(text: str) -> list[str]:
    found = _WORD.findall(text.lower())
    return [word[:-1] if word[-1] == "s" and len(word) > 3 and word[-2] != "s" else word for word in found]


def _words_of(item: Item) -> list[str]:
    name = words(item.name) * _NAME_WEIGHT
    try:
        said = _said(item.definition)
        parameters = _schema(said.inputSchema).properties
    except (msgspec.MsgspecError, RecursionError):
        return name
    return (
        name
        + words(" ".join(list(parameters)[:100]))
        + _plain(f"{said.title or ''} {said.description or ''}"[:_LONGEST])
    )
