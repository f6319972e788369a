"""A message's trace travels in its `_meta`: where one is said there, it counts more than the header."""

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.wire.json_members import read_members, set_members
from triplegate.wire.traceparent import is_trace, onward

_NAME = "traceparent"


def join_trace(exchange: Exchange, said: msgspec.Raw) -> None:
    """Go on in the trace of the client's own operation; what is no traceparent is left alone."""
    try:
        parent = msgspec.json.decode(said, type=str).encode("ascii")
    except (msgspec.MsgspecError, ValueError):
        return
    if is_trace(parent):
        exchange.caller_trace, exchange.trace = parent, onward(parent)


def is_traced(exchange: Exchange) -> bool:
    """Whether somebody asked for a trace."""
    return bool(exchange.caller_trace) or exchange.trace[-1:] in b"13579bdf"


def traced_meta(exchange: Exchange, meta: bytes) -> bytes | None:
    """The raw `_meta` (may be empty) with our own span as the parent of what its server does.

    None where nobody asked for a trace: it stays as it is.
    """
    if not is_traced(exchange):
        return None
    said = meta if meta[:1] == b"{" else b"{}"
    return set_members(said, read_members(said), {_NAME: b'"%b"' % exchange.trace})
