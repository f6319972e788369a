"""What is suspicious about a tool's definition: what people do not see in it, and what points at other tools."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from triplegate.wire.hidden import ANSI, COMMENT, disguised, hidden, looks, stripped, visible
from triplegate.wire.jcs import read

Suspicion = Literal[
    "hidden", "comment", "ansi", "homoglyph", "same_name", "imitates", "renamed", "mentions", "orders", "ambiguous"
]
LONGEST = 1 << 18
"""Bytes of a definition that is looked at; a longer one is suspicious for that alone."""
_MOST = 20  # findings of one definition
_WORD = re.compile(r"[^\s\"'`()\[\]{}<>,;:!?]{3,80}")
_UNUSUAL = re.compile(rb"[^\t\n\r -~]|\\[ubf]|<!--")
_TELLING = re.compile(r"[a-z0-9][A-Z]|[_.\-/]")
_ORDERS = re.compile(
    r"<\s*(?:important|system|secret|instructions?)\s*>"
    r"|\bignore\s+(?:all\s+|any\s+|the\s+)*(?:previous|prior|above|earlier|other)\b"
    r"|\b(?:do\s+not|don'?t|never|without)\s+(?:tell|telling|mention|mentioning|inform|informing|notify|notifying|reveal)"
    r"\w*\s+(?:this\s+|it\s+|anything\s+)*(?:to\s+)?(?:the\s+)?user"
    r"|\b(?:before|instead\s+of|prior\s+to)\s+(?:using|calling|invoking)\s+(?:any|every|all|the)\s+other\b",
    re.IGNORECASE,
)


class Finding(msgspec.Struct, frozen=True):
    """One suspicion and where it stands."""

    kind: Suspicion
    place: str
    """JSON pointer."""
    text: str
    """What was found, in words; hidden characters are written out."""


def findings(definition: bytes, others: Mapping[str, str]) -> list[Finding]:
    """What is suspicious in a definition by itself, and where it names tools of other servers.

    `others`: their names → what to call them. A name counts only where it is no plain word.
    """
    if len(definition) > LONGEST:
        return [Finding("ambiguous", "", f"it is longer than {LONGEST >> 10} KiB and was not looked at")]
    try:
        told = read(definition)
    except ValueError as error:
        return [Finding("ambiguous", "", f"readers may understand it in different ways: {error}")]
    found: list[Finding] = []
    for place, text in _texts("", told):
        for one in _of_text(place, text, others):
            if one not in found:
                found.append(one)
            if len(found) >= _MOST:
                return found
    return found


def _texts(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text, names of members too: models read all of it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, member in value.items():
            inside = f"{place}/{visible(name)}"
            if not (name.isascii() and name.isprintable()):
                yield inside, name
            yield from _texts(inside, member)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(f"{place}/{number}", item)


def _of_text(place: str, text: str, others: Mapping[str, str]) -> Iterator[Finding]:
    if not (text.isascii() and text.isprintable()):
        if characters := hidden(text):
            yield Finding("hidden", place, ", ".join(characters[:5]))
        if code := ANSI.search(text):
            yield Finding("ansi", place, f"the terminal code {visible(code[0])[:60]}")
        for word in disguised(text):
            yield Finding("homoglyph", place, f"'{word[:60]}' mixes letters of several scripts")
    if comment := COMMENT.search(text):
        yield Finding("comment", place, visible(comment[0])[:200])
    if order := _ORDERS.search(stripped(text)):
        yield Finding("orders", place, f"tells the model what to do: '{order[0][:80]}'")
    if place != "/name":
        for word in _WORD.findall(text):
            known = others.get(word.strip(".-/*"))
            if known is not None and _TELLING.search(word):
                yield Finding("mentions", place, f"names {known}")


def likeness(name: str, shape: str, others: Mapping[str, tuple[str, str, str]]) -> Iterator[Finding]:
    """Where a tool could be taken for another, or is a known one under a new name.

    `others`: `looks:…` and `shape:…` of tools known before → server, tool and what to call it.
    """
    twin = others.get(f"looks:{looks(name)}")
    if twin is not None:
        if twin[1] == name:
            yield Finding("same_name", "/name", f"has the name of {twin[2]}")
        else:
            yield Finding("imitates", "/name", f"looks like {twin[2]}")
    same = others.get(f"shape:{shape}") if shape else None
    if same is not None and same[1] != name:
        yield Finding("renamed", "/name", f"is {same[2]} under another name")


def cleaned(definition: bytes) -> bytes:
    """The definition without what people do not see in its titles and descriptions; untouched where it has none."""
    if len(definition) > LONGEST or not _UNUSUAL.search(definition):
        return definition
    try:
        told = read(definition)
    except ValueError:
        return definition
    clean = _clean(told)
    return definition if clean == told else msgspec.json.encode(clean)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: stripped(member) if name in ("title", "description") and isinstance(member, str) else _clean(member)
            for name, member in value.items()
        }
    return [_clean(item) for item in value] if isinstance(value, list) else value
