"""What of a definition is pinned: the fingerprint that an approval is bound to, and what changed since."""

import hashlib
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from triplegate.wire.hidden import visible
from triplegate.wire.jcs import canonical, read

PINNED = {
    "tool": ("annotations", "description", "inputSchema", "name", "outputSchema", "title"),
    "prompt": ("arguments", "description", "name", "title"),
    "resource": ("description", "mimeType", "name", "title", "uri"),
    "template": ("description", "mimeType", "name", "title", "uriTemplate"),
}
"""Members of a definition that models and clients go by; not those that change with what a resource holds."""
MOST_CHANGES = 200
"""Of one comparison; the rest is counted only."""


class Pinned(msgspec.Struct, frozen=True):
    """A definition as it is pinned."""

    fingerprint: str
    """SHA-256 in hex of its canonical text."""
    shape: str
    """The same without its name: a known tool under a new name has it too. Empty where nothing describes it."""
    text: str
    """The pinned members as canonical JSON; empty where readers may understand the definition in different ways."""
    trouble: str = ""
    """Why it has no canonical text: its bytes as they came are pinned."""


class Change(msgspec.Struct, frozen=True):
    """One difference between two definitions; hidden characters are written out."""

    place: str
    """JSON pointer."""
    kind: Literal["added", "removed", "changed"]
    before: str = ""
    after: str = ""


def pinned(definition: bytes, kind: str = "tool") -> Pinned:
    """The fingerprint of a definition as its server sent it."""
    try:
        told = read(definition)
        if not isinstance(told, dict):
            raise ValueError("it is no object")  # noqa: TRY004 - told like every other trouble
        kept = {name: told[name] for name in PINNED[kind] if name in told}
        text = canonical(kept)
        kept.pop("name", None)
        shape = _digest(canonical(kept).encode()) if kind == "tool" and kept.get("description") else ""
        return Pinned(_digest(text.encode()), shape, text)
    except ValueError as error:
        return Pinned(_digest(definition), "", "", str(error))


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def changes(before: str, after: str) -> list[Change]:
    """What differs between two pinned texts, place by place; an empty text is a definition without members."""
    found: list[Change] = []
    left = 0
    for one in _compare("", read(before.encode() or b"{}"), read(after.encode() or b"{}")):
        if len(found) < MOST_CHANGES:
            found.append(one)
        else:
            left += 1
    if left:
        found.append(Change("", "changed", "", f"… and {left} more differences"))
    return found


def _compare(place: str, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from _member(f"{place}/{_escaped(name)}", before, after, name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compare(f"{place}/{number}", old, new)
    elif type(before) is not type(after) or before != after:
        yield Change(place, "changed", _shown(before), _shown(after))


def _member(place: str, before: dict[str, Any], after: dict[str, Any], name: str) -> Iterator[Change]:
    if name not in before:
        yield Change(place, "added", "", _shown(after[name]))
    elif name not in after:
        yield Change(place, "removed", _shown(before[name]))
    else:
        yield from _compare(place, before[name], after[name])


def _escaped(name: str) -> str:
    return visible(name.replace("~", "~0").replace("/", "~1"))


def _shown(value: Any) -> str:
    return visible(value if isinstance(value, str) else canonical(value))
