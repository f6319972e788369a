"""Text that comes in pieces: what may go on now, while whatever could still become a span is held back."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import Event
from triplegate.wire.screening.spans import Finder, Replace, Span, apart, found, moved

_SPACES = " \n\t\r\f\v"
"""White space of expressions; any other character may be part of a long word."""
_STRIDE = 32
"""Characters that come before anybody looks again."""
_BEFORE = 64
"""Characters that went on already and are looked at with what follows them."""
_MOST = 65_536
"""Characters of one span: longer ones end the answer."""

Told = list[str | Event]
"""What goes on: text, and the events that stand between."""


class Window:
    """The text of blocks that follow each other, on its way: read by itself, and as one."""

    __slots__ = ("_at", "_before", "_borders", "_dense", "_events", "_finders", "_held", "_looked", "_spaced", "counts")

    def __init__(self, finders: Sequence[Finder], counts: dict[str, int]) -> None:
        """`counts` gets how many of each kind were found."""
        self._finders, self.counts = finders, counts
        self._spaced = max([finder.spaced for finder in finders], default=1)
        self._dense = max([finder.dense for finder in finders], default=1)
        self._before = self._held = ""
        self._at = 0
        """Characters that went on."""
        self._events: list[tuple[int, Event]] = []
        """Those that wait, each with how many characters come before it."""
        self._borders: list[int] = []
        """Where blocks end."""
        self._looked = 0

    def feed(self, text: str, replace: Replace) -> Told:
        """What may go on now. Raises Refusal content_blocked for a span without an end."""
        self._held += text
        if len(self._held) < self._looked + _STRIDE:
            return []
        return self._go(self._cut(), replace)

    def pass_by(self, event: Event) -> Told:
        """An event that comes behind the text so far: it waits for it."""
        if not self._held:
            return [event]
        self._events.append((self._at + len(self._held), event))
        return []

    def border(self) -> None:
        """A block ends here: what is held stays held, for it may go on in the next one."""
        self._borders.append(self._at + len(self._held))

    def finish(self, replace: Replace) -> Told:
        """The rest: nothing follows, or something else. Should more follow yet, then what went on is remembered."""
        whole = self._before + self._held
        told = self._go(len(self._held), replace)
        self._before = whole[-max(self._spaced, self._dense, _BEFORE) :]
        return told

    def _cut(self) -> int:
        """Where the part begins that may yet become a span with what follows."""
        held = self._held
        dense = 1 + max([held.rfind(space) for space in _SPACES])
        return max(0, min(len(held) - self._spaced + 1, max(dense, len(held) - self._dense + 1)))

    def _go(self, cut: int, replace: Replace) -> Told:
        held = self._held
        spans = self._found()
        if cut < len(held):
            for span in reversed(spans):
                if span.start < cut < span.end or (span.start < cut and span.end == len(held)):
                    cut = span.start
        if len(held) - cut > _MOST:
            raise Refusal("content_blocked", "The answer holds something that a guard cannot judge.")
        going = [span for span in spans if span.end <= cut]
        for span in going:
            self.counts[span.kind] = self.counts.get(span.kind, 0) + 1
        told = self._told(going, cut, replace)
        if cut:
            self._before = (self._before + held[:cut])[-_BEFORE:]
        self._held = held[cut:]
        self._at += cut
        self._looked = len(self._held)
        self._borders = [border for border in self._borders if border > self._at - len(self._before)]
        return told

    def _found(self) -> list[Span]:
        """Spans in what is held, of all blocks as one text and of each by itself."""
        text, offset = self._before + self._held, len(self._before)
        spans = found(self._finders, text)
        if self._borders:
            for start, end in self._blocks(len(text)):
                spans += moved(found(self._finders, text[start:end]), start)
            spans = apart(spans)
        return moved([Span(max(offset, one.start), one.end, one.kind) for one in spans if one.end > offset], -offset)

    def _blocks(self, length: int) -> Iterator[tuple[int, int]]:
        begun = self._at - len(self._before)
        places = [0, *[border - begun for border in self._borders if border > begun], length]
        return pairwise(places)

    def _told(self, spans: Sequence[Span], cut: int, replace: Replace) -> Told:
        """The text up to `cut`, replaced, and the events within; one within a span comes behind what replaces it."""
        told: Told = []
        at = 0
        for span in spans:
            self._plain_to(at, span.start, told)
            told.append(replace(span.kind, self._held[span.start : span.end]))
            at = span.end
        self._plain_to(at, cut, told)
        return [one for one in told if one != ""]

    def _plain_to(self, at: int, end: int, told: Told) -> None:
        while self._events and self._events[0][0] - self._at <= end:
            place, event = self._events.pop(0)
            told += (self._held[at : max(at, place - self._at)], event)
            at = max(at, place - self._at)
        told.append(self._held[at:end])
