"""Text that comes in pieces: what may go on now, while whatever could still become a span is held back."""

from collections.abc import Sequence

from triplegate.core.errors import Refusal
from triplegate.wire.screening.spans import Finder, Replace, Span, found, replaced

_SPACES = " \n\t\r\f\v"
"""White space of expressions; any other character may be part of a long word."""
_STRIDE = 32
"""Characters that come before anybody looks again."""
_BEFORE = 64
"""Characters that went on already and are looked at with what follows them."""
_MOST = 65_536
"""Characters of one span: longer ones end the answer."""


class Window:
    """One block's text on its way."""

    __slots__ = ("_before", "_dense", "_finders", "_held", "_looked", "_spaced", "counts")

    def __init__(self, finders: Sequence[Finder], counts: dict[str, int]) -> None:
        """`counts` gets how many of each kind were found."""
        self._finders, self.counts = finders, counts
        self._spaced = max([finder.spaced for finder in finders], default=1)
        self._dense = max([finder.dense for finder in finders], default=1)
        self._before = self._held = ""
        self._looked = 0

    def feed(self, text: str, replace: Replace) -> str:
        """What may go on now. Raises Refusal content_blocked for a span without an end."""
        self._held += text
        if len(self._held) < self._looked + _STRIDE:
            return ""
        return self._go(self._cut(), replace)

    def finish(self, replace: Replace) -> str:
        """The rest: nothing follows."""
        return self._go(len(self._held), replace)

    def _cut(self) -> int:
        """Where the part begins that may yet become a span with what follows."""
        held = self._held
        dense = 1 + max([held.rfind(space) for space in _SPACES])
        return max(0, min(len(held) - self._spaced + 1, max(dense, len(held) - self._dense + 1)))

    def _go(self, cut: int, replace: Replace) -> str:
        held, offset = self._held, len(self._before)
        spans = [
            Span(max(0, span.start - offset), span.end - offset, span.kind)
            for span in found(self._finders, self._before + held)
            if span.end > offset
        ]
        if cut < len(held):
            for span in reversed(spans):
                if span.start < cut < span.end or (span.start < cut and span.end == len(held)):
                    cut = span.start
        if len(held) - cut > _MOST:
            raise Refusal("content_blocked", "The answer holds something that a guard cannot judge.")
        going = [span for span in spans if span.end <= cut]
        for span in going:
            self.counts[span.kind] = self.counts.get(span.kind, 0) + 1
        self._before = (self._before + held[:cut])[-_BEFORE:]
        self._held = held[cut:]
        self._looked = len(self._held)
        return replaced(held[:cut], going, replace)
