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


class Copy(msgspec.Struct, frozen=True):
    """A copy of the call that goes to another service; nobody waits for it."""

    label: str
    """Of the policy: its counters are kept by it."""
    service: str
    credentials: bool
    """Whether the client's credentials go with it."""
    concurrency: int
    """Copies under way at once."""
    queue: int
    """Copies that may wait for their turn."""
    timeout: float
    """Seconds it may take."""


class Outgoing(msgspec.Struct):
    """What policies made of a call; the parts of request line and head that are None go as the client sent them."""

    path: str | None = None
    """Canonical path, percent-encoded."""
    query: bytes | None = None
    """Query without the question mark."""
    host: bytes | None = None
    """Host header to send, with port where one is meant."""
    edits: list[Edit] = []
    """Changes of request fields, in order."""
    replies: list[Edit] = []
    """Changes of the reply's fields, in order."""
    service: str = ""
    """Service that is tried first, whatever the route's weights say."""
    copies: list[Copy] = []
    """Copies to send elsewhere."""
    left: tuple[bytes, float] | None = None
    """Field that tells the upstream how much time an attempt has left, and the seconds that its number counts in."""


def edited(headers: Headers, edits: Sequence[Edit]) -> Headers:
    """The fields after the edits, as a new list; the same list when there is none."""
    for edit in edits:
        if edit.how != "add":
            headers = [line for line in headers if line[0] != edit.name]
        if edit.how != "remove":
            headers = [*headers, (edit.name, edit.value)]
    return headers
