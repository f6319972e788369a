"""One remembered answer: its events, when it was given, and what it cost then."""

import msgspec

from triplegate.wire.event_packing import pack, unpack
from triplegate.wire.neutral_events import Event

_VERSION = 1
_encode = msgspec.msgpack.Encoder().encode


class Kept(msgspec.Struct, frozen=True, eq=False):
    """As it is told again."""

    events: list[Event]
    at: float
    """Unix seconds when it was given."""
    cost: int
    """Units it cost, which is saved each time it is told again."""
    target: str
    """The deployment that gave it."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    version: int
    at: float
    cost: int
    target: str
    events: bytes


_decode = msgspec.msgpack.Decoder(_Stored).decode


def write(kept: Kept) -> bytes:
    """The answer as a store keeps it."""
    return _encode(_Stored(_VERSION, kept.at, kept.cost, kept.target, pack(kept.events)))


def read(content: bytes | None) -> Kept | None:
    """The answer; None for none, or of another form."""
    if content is None:
        return None
    try:
        stored = _decode(content)
    except msgspec.MsgspecError:
        return None
    events = unpack(stored.events) if stored.version == _VERSION else None
    return None if events is None else Kept(events, stored.at, stored.cost, stored.target)
