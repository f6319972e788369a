"""The beginning of an answer kept for its span, where that is asked for."""

from triplegate.core.exchange import Exchange
from triplegate.core.http import Encoder, Frame

MOST = 65_536
"""Bytes of an answer that are kept; a longer one is not kept at all once it is known to be."""
SAMPLED = frozenset([b"1", b"3", b"5", b"7", b"9", b"b", b"d", b"f"])
"""Ends of a traceparent that asks for spans."""
MARK = "answered"
"""Where an exchange's marks hold them."""


class Keeping(Encoder):
    """Another encoder, and what it is fed: the client's own bytes."""

    __slots__ = ("_encoder", "_kept", "whole")

    def __init__(self, encoder: Encoder, exchange: Exchange) -> None:
        self._encoder = encoder
        self.whole = encoder.whole
        self._kept = bytearray()
        marks = exchange.marks
        if marks is None:
            marks = exchange.marks = {}
        marks[MARK] = self._kept

    def feed(self, frame: Frame) -> bytes:
        """The bytes of the other; noted before, because an exchange may be closed by its last ones."""
        if isinstance(frame, bytes) and len(self._kept) <= MOST:
            self._kept += frame
        return self._encoder.feed(frame)

    def finish(self) -> bytes:
        """The end of the other."""
        return self._encoder.finish()

    def fail(self, refusal: Exception) -> bytes | None:
        """The failure of the other."""
        return self._encoder.fail(refusal)
