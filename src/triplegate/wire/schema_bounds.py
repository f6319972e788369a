"""How much work a JSON Schema of a stranger can make, before it is trusted with a single value."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

MOST_SUBSCHEMAS = 2000
DEEPEST = 64
MOST_AT_ONE_PLACE = 256
"""Subschemas that one place of a value may have to fit, references followed."""

_STEPS = 200_000  # of looking ahead; who needs more is refused
_LEVELS = 64  # levels of a value that are looked ahead; what grows that long without passing the bound grows slowly
_SAME = ("allOf", "anyOf", "oneOf")
_SAME_ONE = ("not", "if", "then", "else")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_OF_OBJECTS = ("additionalProperties", "unevaluatedProperties")
_OF_ARRAYS = ("items", "additionalItems", "unevaluatedItems", "contains")
_BELOW_ONE = (*_OF_OBJECTS, *_OF_ARRAYS, "propertyNames")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def why_not(schema: Any) -> str:
    """Why the schema is not used: too large, too deep, or made so that the work explodes; empty when it is fine."""
    places = Places()
    try:
        places.walk(schema)
        return places.growth()
    except TooMuch as reason:
        return str(reason)


class TooMuch(Exception):
    """A bound is passed."""


class Places:
    """The subschemas of one schema, and how often each can apply to one place of a value."""

    def __init__(self) -> None:
        self._schemas: list[dict[str, Any]] = []
        self._known: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self._whole: Any = None
        self._steps = 0

    def walk(self, schema: Any) -> None:
        """Number the subschemas. Raises TooMuch."""
        self._whole = schema
        self._visit(schema, 0)

    def _visit(self, schema: Any, depth: int) -> None:
        if not isinstance(schema, dict) or id(schema) in self._known:
            return
        if depth > DEEPEST:
            raise TooMuch(f"deeper than {DEEPEST}")
        if len(self._schemas) >= MOST_SUBSCHEMAS:
            raise TooMuch(f"more than {MOST_SUBSCHEMAS} subschemas")
        number = self._known[id(schema)] = len(self._schemas)
        self._schemas.append(schema)
        for mark in ("$anchor", "$dynamicAnchor", "$id"):
            if isinstance(schema.get(mark), str):
                self._names.setdefault(schema[mark], number)
        for _, child in _children(schema):
            self._visit(child, depth + 1)

    def growth(self) -> str:
        """Look ahead level by level at a value that is as bad as can be. Raises TooMuch."""
        if not self._schemas:
            return ""
        applied = self._expanded({0: 1})
        seen: list[dict[int, int]] = []
        while applied not in seen and len(seen) < _LEVELS:
            seen.append(applied)
            worst: dict[int, int] = {}
            for place in self._places_below(applied):
                for number, times in self._expanded(place).items():
                    worst[number] = max(worst.get(number, 0), times)
            applied = worst
        return ""

    def _expanded(self, start: dict[int, int]) -> dict[int, int]:
        """The schemas at one place with all that apply to the same place, as often as each does."""
        counts: dict[int, int] = {}
        waiting = list(start.items())
        total = 0
        while waiting:
            number, times = waiting.pop()
            counts[number] = counts.get(number, 0) + times
            total += times
            self._steps += 1
            if total > MOST_AT_ONE_PLACE or self._steps > _STEPS:
                raise TooMuch(f"one place would have to fit more than {MOST_AT_ONE_PLACE} subschemas")
            waiting.extend((child, times) for child in self._same(self._schemas[number]))
        return counts

    def _same(self, schema: dict[str, Any]) -> Iterator[int]:
        for word in _REFERENCES:
            if isinstance(schema.get(word), str):
                target = self._resolved(schema[word])
                if target is not None:
                    yield target
        for name, child in _children(schema):
            if name in _SAME or name in _SAME_ONE or name == "dependentSchemas":
                yield self._known[id(child)]

    def _places_below(self, applied: dict[int, int]) -> Iterator[dict[int, int]]:
        """What applies one level deeper, place by place: each named member, any other one, each item."""
        yield from self._named_below(applied, "properties", (*_OF_OBJECTS, "patternProperties"))
        yield from self._named_below(applied, "prefixItems", _OF_ARRAYS)
        yield self._always_below(applied, ("propertyNames",))

    def _named_below(self, applied: dict[int, int], word: str, always: tuple[str, ...]) -> Iterator[dict[int, int]]:
        everywhere = self._always_below(applied, always)
        yield everywhere
        by_name: dict[object, dict[int, int]] = {}
        for number, times in applied.items():
            held = self._schemas[number].get(word)
            named = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
            for name, child in named:
                if isinstance(child, dict):
                    _add(by_name.setdefault(name, dict(everywhere)), self._known[id(child)], times)
        yield from by_name.values()

    def _always_below(self, applied: dict[int, int], words: tuple[str, ...]) -> dict[int, int]:
        found: dict[int, int] = {}
        for number, times in applied.items():
            for name, child in _children(self._schemas[number]):
                if name in words:
                    _add(found, self._known[id(child)], times)
        return found

    def _resolved(self, reference: str) -> int | None:
        """The subschema a reference within the schema leads to; the others are never followed by anybody."""
        if not reference.startswith("#"):
            return self._names.get(reference)
        name = unquote(reference[1:])
        if name and not name.startswith("/"):
            return self._names.get(name)
        found = self._whole
        for part in name.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901 - as RFC 6901 says it
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
        if isinstance(found, dict) and id(found) not in self._known:
            self._visit(found, 0)
        return self._known.get(id(found))


def _add(counts: dict[int, int], number: int, times: int) -> None:
    counts[number] = counts.get(number, 0) + times


def _children(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(keyword, subschema) of all that stand directly in a schema."""
    for word in (*_SAME, "prefixItems", "items"):
        listed = schema.get(word)
        if isinstance(listed, list):
            yield from ((word, child) for child in listed if isinstance(child, dict))
    for word in (*_SAME_ONE, *_BELOW_ONE):
        child = schema.get(word)
        if isinstance(child, dict):
            yield word, child
    for word in _NAMED:
        named = schema.get(word)
        if isinstance(named, dict):
            yield from ((word, child) for child in named.values() if isinstance(child, dict))
