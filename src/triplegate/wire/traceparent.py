"""W3C Trace Context: read a traceparent, continue it, or begin a new trace."""

import re
from binascii import hexlify
from random import getrandbits

import msgspec

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE = b"0" * 32
_NO_SPAN = b"0" * 16
_NEITHER_ZERO = 1 << 191 | 1 << 63
"""One bit of either id, in 192 bits that make both: an id of zeros alone is none."""


class Trace(msgspec.Struct, frozen=True, gc=False):
    """Where in which trace we are; ids in lower-case hex."""

    trace_id: str
    span_id: str
    """Our own span."""
    parent_id: str = ""
    """The caller's span; empty at the root."""
    sampled: bool = False

    def header(self) -> bytes:
        """The `traceparent` that names our span as parent."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}".encode("ascii")

    def child(self) -> "Trace":
        """A span below ours, for an attempt."""
        return Trace(self.trace_id, _span_id(), self.span_id, self.sampled)


def _span_id() -> str:
    return f"{getrandbits(64) or 1:016x}"  # ids need to be unlike, not secret


def begin(*, sampled: bool = False) -> Trace:
    """A new trace."""
    return Trace(f"{getrandbits(128) or 1:032x}", _span_id(), "", sampled)


def resume(traceparent: bytes | None, *, sampled: bool = False) -> Trace:
    """Our span in the caller's trace, or a new trace when there is none or it is malformed (§3.2.2).

    `sampled` decides for new traces only; the caller's decision is kept.
    """
    if traceparent is None:
        return begin(sampled=sampled)
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return begin(sampled=sampled)
    version, trace_id, parent_id, flags, rest = match.groups()
    if version == b"ff" or (version == b"00" and rest) or trace_id == _NO_TRACE or parent_id == _NO_SPAN:
        return begin(sampled=sampled)
    return Trace(trace_id.decode("ascii"), _span_id(), parent_id.decode("ascii"), bool(int(flags, 16) & 1))


def is_trace(traceparent: bytes) -> bool:
    """Whether it is a well-formed traceparent."""
    return resume(traceparent).parent_id != ""


def onward(traceparent: bytes | None, *, sampled: bool = False) -> bytes:
    """The header that names our own span: `resume(traceparent).header()`, quick where the caller sent none."""
    if traceparent is None:
        ids = hexlify((getrandbits(192) | _NEITHER_ZERO).to_bytes(24, "big"))
        return b"00-%b-%b-01" % (ids[:32], ids[32:]) if sampled else b"00-%b-%b-00" % (ids[:32], ids[32:])
    return resume(traceparent, sampled=sampled).header()
