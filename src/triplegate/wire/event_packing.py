"""The events of an answer as bytes, for stores; read back only by the same version of the form."""

from typing import Any

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    UsageSeen,
)

VERSION = 1
_PIECE = 200  # characters after which a delta is not added to
_KINDS: tuple[type, ...] = (Start, BlockStart, Delta, OpaqueSeen, Cited, Logprobs, BlockEnd, UsageSeen, Finish)
_NUMBER = {kind: number for number, kind in enumerate(_KINDS)}
_INNER: dict[type, type] = {OpaqueSeen: Opaque, Cited: Citation, UsageSeen: Usage}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def pack(events: list[Event]) -> bytes:
    """The events that make up an answer; failures and what has no meaning are left out."""
    told = [(_NUMBER[type(event)], *msgspec.structs.astuple(event)) for event in events if type(event) in _NUMBER]
    return _encode((VERSION, merged(told)))


def merged(told: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Deltas of one block that follow each other become fewer: an answer told again streams in larger pieces."""
    delta = _NUMBER[Delta]
    out: list[tuple[object, ...]] = []
    for event in told:
        last = out[-1] if out else ()
        if last and event[0] == delta == last[0] and event[1] == last[1] and len(str(last[2])) < _PIECE:
            out[-1] = (delta, event[1], f"{last[2]}{event[2]}")
        else:
            out.append(event)
    return out


def unpack(content: bytes) -> list[Event] | None:
    """The events; None for what is not of this form."""
    try:
        version, told = _decode(content)
        if version != VERSION:
            return None
        return [_event(*event) for event in told]
    except (msgspec.MsgspecError, TypeError, ValueError, IndexError):
        return None


def _event(number: int, *fields: Any) -> Event:
    kind: Any = _KINDS[number]
    inner = _INNER.get(kind)
    if inner is None:
        return kind(*fields)  # type: ignore[no-any-return]
    *before, last = fields
    return kind(*before, msgspec.convert(last, inner))  # type: ignore[no-any-return]
