"""What differs between two configurations, in their normal form: for reload logs and for `plan`."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from triplegate.config.documents import Documents, Path

_MISSING: Any = object()
Verb = Literal["added", "removed", "changed"]


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not the same."""

    verb: Verb
    path: Path
    """('routes', 'orders', 'policies', 1, 'requests')."""
    before: Any = None
    """The old value; None when added."""
    after: Any = None
    """The new value; None when removed."""

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.verb]
        where = ".".join(str(part) for part in self.path)
        return f"{sign} {where}" + (f": {self.before!r} -> {self.after!r}" if self.verb == "changed" else "")


def diff(before: Documents, after: Documents) -> list[Difference]:
    """Differences from `before` to `after`; empty exactly when their digests are equal.

    An object that is new or gone is one difference; policies are compared by place in their list.
    """
    return list(_compare((), before.canonical(), after.canonical()))


def _compare(path: Path, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            yield from _entry((*path, name), before.get(name, _MISSING), after.get(name, _MISSING))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else _MISSING
            yield from _entry((*path, index), old, after[index] if index < len(after) else _MISSING)
    elif before != after:
        yield Difference("changed", path, before, after)


def _entry(path: Path, before: Any, after: Any) -> Iterator[Difference]:
    if before is _MISSING:
        yield Difference("added", path, None, after)
    elif after is _MISSING:
        yield Difference("removed", path, before, None)
    elif _kind(before) != _kind(after):
        yield Difference("changed", path, before, after)  # another policy in this place, say
    else:
        yield from _compare(path, before, after)


def _kind(value: Any) -> Any:
    return value.get("use") if isinstance(value, Mapping) else None
