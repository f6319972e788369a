"""YAML 1.2 text to a tree of values that know where they stand; bounded in size, depth and aliases."""

import re
from collections.abc import Iterator
from typing import Any

from triplegate.config.faults import Findings, Position

MAX_BYTES = 4 << 20
"""Largest file."""
MAX_DEPTH = 24
"""Deepest nesting."""
MAX_NODES = 500_000
"""Most values in one file, aliases counted as often as they are used."""

_INT = re.compile(r"[-+]?[0-9]{1,32}")
_BASED = re.compile(r"0o[0-7]{1,32}|0x[0-9a-fA-F]{1,32}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_NUMBER_LIKE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNUSUAL = re.compile(r"^%|[|>!&]|(?<![\w.\"'/@-])\*[\w-]|[^\x20-\x7e\xa0-\ud7ff\n]|\ufeff", re.MULTILINE)
"""Directives, block scalars, tags, anchors, tabs, control characters: where parsers of YAML 1.1 and 1.2 differ."""
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Node:
    """A value and its place: a scalar, a dict of nodes, or a list of nodes."""

    __slots__ = ("key", "place", "size", "value")

    def __init__(self, value: Any, place: Position, key: Position | None = None) -> None:
        self.value: Any = value
        self.place = place
        self.key = key if key is not None else place
        """Where its key stands in the mapping around it."""
        self.size = 1

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, part: str | int) -> "Node | None":
        """The node below, by key or index; None when there is none."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            found: Node = self.value[part]
            return found
        return None


def copied(node: Node) -> Node:
    """The same values under a node of its own, to which entries may be added."""
    value = dict(node.value) if isinstance(node.value, dict) else node.value
    return Node(value, node.place, node.key)


def planted(value: object, place: Position) -> Node:
    """A plain value as a tree whose every part stands at `place`."""
    if isinstance(value, dict):
        return Node({str(name): planted(one, place) for name, one in value.items()}, place)
    if isinstance(value, list):
        return Node([planted(one, place) for one in value], place)
    return Node(value, place)


class _Stopped(Exception):
    """Nothing after this place can be read; the fault is noted."""


class _Reader:
    """Composes one file; faults are collected, so that one mistake does not hide the next."""

    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.fault = findings.fault
        self.anchors: dict[str, Node | None] = {}
        self.nodes = 0

    def place(self, mark: Any) -> Position:
        return Position(self.file, mark.line + 1, mark.column + 1)

    def stop(self, place: Position, message: str) -> _Stopped:
        self.fault(place, message)
        return _Stopped()

    def node(self, event: Any, events: Iterator[Any], depth: int, key: Position | None = None) -> Node:
        kind = type(event).__name__
        place = self.place(event.start_mark)
        if depth > MAX_DEPTH:
            raise self.stop(place, f"nested deeper than {MAX_DEPTH}")
        if kind == "AliasEvent":
            return self._alias(event.anchor, place, key)
        if event.anchor:
            self.anchors[event.anchor] = None  # known, not yet whole: an alias inside it would be a loop
        if kind == "ScalarEvent":
            found = Node(self._scalar(event, place), place, key)
        elif kind == "SequenceStartEvent":
            found = self._sequence(event, events, depth, place, key)
        else:
            found = self._mapping(event, events, depth, place, key)
        if event.anchor:
            self.anchors[event.anchor] = found
        self._count(1, place)
        return found

    def _count(self, more: int, place: Position) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise self.stop(place, f"more than {MAX_NODES} values (aliases count as often as they are used)")

    def _alias(self, anchor: str, place: Position, key: Position | None) -> Node:
        target = self.anchors.get(anchor)
        if target is None:
            what = "refers to what contains it" if anchor in self.anchors else "has no anchor"
            raise self.stop(place, f"alias '*{anchor}' {what}")
        self._count(target.size, place)
        found = Node(target.value, target.place, key)
        found.size = target.size
        return found

    def _scalar(self, event: Any, place: Position) -> Any:
        tag, value = event.tag, event.value
        tag = str(tag) if tag else ""
        if tag and tag not in ("!", "tag:yaml.org,2002:str", "!!str"):
            self.fault(place, f"tags are not accepted: {tag[:40]}")
            return value
        if tag or event.style:
            return self._characters(value, place) if event.style == '"' else value
        return self._plain_scalar(value, place)

    def _characters(self, value: str, place: Position) -> str:
        """Escaped surrogates joined, as JSON has them; half a pair is no character."""
        if value.isascii():
            return value
        try:
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fault(place, "half a surrogate pair is not a character")
            return ""

    def _plain_scalar(self, value: str, place: Position) -> Any:
        if value in _WORDS:
            return _WORDS[value]
        if _INT.fullmatch(value):
            return int(value)
        if _BASED.fullmatch(value):
            return int(value, 0)
        if _FLOAT.fullmatch(value):
            return float(value)
        if _NUMBER_LIKE.fullmatch(value):
            self.fault(place, "nothing here is infinite: write a finite number")
        return value

    def _sequence(self, event: Any, events: Iterator[Any], depth: int, place: Position, key: Position | None) -> Node:
        self._no_tag(event, place)
        items: list[Node] = []
        found = Node(items, place, key)
        for inner in events:
            if type(inner).__name__ == "SequenceEndEvent":
                break
            child = self.node(inner, events, depth + 1)
            items.append(child)
            found.size += child.size
        return found

    def _mapping(self, event: Any, events: Iterator[Any], depth: int, place: Position, key: Position | None) -> Node:
        self._no_tag(event, place)
        entries: dict[str, Node] = {}
        found = Node(entries, place, key)
        for inner in events:
            if type(inner).__name__ == "MappingEndEvent":
                break
            name_node = self.node(inner, events, depth + 1)
            child = self.node(next(events), events, depth + 1, name_node.place)
            self._enter(entries, name_node, child)
            found.size += child.size
        return found

    def _enter(self, entries: dict[str, Node], name_node: Node, child: Node) -> None:
        name = name_node.value
        if isinstance(name, (dict, list)):
            self.fault(name_node.place, "a key is a word, not a list or an object")
            return
        name = "null" if name is None else str(name).lower() if isinstance(name, bool) else str(name)
        if name == "<<":
            self.fault(name_node.place, "merge keys (<<) are not part of YAML 1.2")
        elif name in entries:
            self.fault(name_node.place, f"duplicate key '{name}' (first at line {entries[name].key.line})")
        else:
            entries[name] = child

    def _no_tag(self, event: Any, place: Position) -> None:
        if event.tag and str(event.tag) != "!":
            self.fault(place, f"tags are not accepted: {str(event.tag)[:40]}")


def read(text: str, file: str, findings: Findings) -> list[Node]:
    """The documents of one YAML text; what cannot be read is noted in `findings`."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    findings.opened(file, text)
    reader, start = _Reader(file, findings), Position(file, 1, 1)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        findings.fault(start, f"larger than {MAX_BYTES >> 20} MiB")
        return []
    found: list[Node] = []
    try:
        _compose(text, reader, found)
    except _Stopped:
        pass
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        findings.fault(reader.place(mark) if mark else start, f"not YAML: {error.problem or error.context}")
    except (YAMLError, ValueError) as error:
        findings.fault(start, f"not YAML: {str(error).splitlines()[0][:200]}")
    return found


def _compose(text: str, reader: _Reader, found: list[Node]) -> None:
    events = _quick(text) or _thorough(text)
    for event in events:
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            reader.anchors.clear()
        elif kind in ("ScalarEvent", "AliasEvent", "SequenceStartEvent", "MappingStartEvent"):
            found.append(reader.node(event, events, 1))


def _thorough(text: str) -> Iterator[Any]:
    """Events of the YAML 1.2 parser: the one whose verdict and words count."""
    from ruamel.yaml import YAML

    return iter(YAML(typ="safe", pure=True).parse(text))


def _quick(text: str) -> Iterator[Any] | None:
    """Events of libyaml, which is thirty times faster; None where it is missing or finds anything wrong or unusual."""
    if _UNUSUAL.search(text):
        return None
    try:
        from yaml import CSafeLoader, YAMLError, parse  # type: ignore[import-untyped]  # ships no types
    except ImportError:
        return None
    events: list[Any] = []
    depth = 0
    try:
        for event in parse(text, Loader=CSafeLoader):
            kind = type(event).__name__
            depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
            # a pair without braces in a list, ["a": 1], is another unusual place; depth costs libyaml its speed
            bare = kind == "MappingStartEvent" and event.flow_style and text[event.start_mark.index] != "{"
            if bare or depth > MAX_DEPTH + 2:
                return None
            events.append(event)
    except YAMLError:
        return None
    return iter(events)
