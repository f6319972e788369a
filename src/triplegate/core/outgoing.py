"""What policies made of an api call on its way out; what they did not touch stays the client's."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from triplegate.core.http import Headers


class Edit(msgspec.Struct, frozen=True, gc=False):
    """One change of a field: `set` replaces all lines of the name, `add` appends one, `remove` drops all."""

    how: Literal["set", "add", "remove"]
    name: bytes
    """Lower-case."""
    value: bytes = b""


class Outgoing(msgspec.Struct):
    """The parts of the request line and the head that were rewritten; None: as the client sent it."""

    path: str | None = None
    """Canonical path, percent-encoded."""
    query: bytes | None = None
    """Query without the question mark."""
    host: bytes | None = None
    """Host header to send, with port where one is meant."""
    edits: list[Edit] = []
    """Changes of request fields, in order."""


def edited(headers: Headers, edits: Sequence[Edit]) -> Headers:
    """The fields after the edits, as a new list; the same list when there is none."""
    for edit in edits:
        if edit.how != "add":
            headers = [line for line in headers if line[0] != edit.name]
        if edit.how != "remove":
            headers = [*headers, (edit.name, edit.value)]
    return headers
