"""The texts of a call or an answer as guards get them: each once, with its place, to be put back changed."""

from collections.abc import Mapping, Sequence

from triplegate.wire.guards.told import Piece, Where
from triplegate.wire.screening.members import Change
from triplegate.wire.screening.spans import Replace, Span, replaced


class Pieces:
    """Those of one question, in the order in which they were met."""

    __slots__ = ("_places", "size")

    def __init__(self) -> None:
        self._places: dict[tuple[Where, str], int] = {}
        self.size = 0
        """Bytes of all of them."""

    @property
    def all(self) -> list[Piece]:
        """Each of them once."""
        return [Piece(where, text) for where, text in self._places]

    def taking(self, where: Where) -> Change:
        """Takes every text that it is shown, and leaves it as it is."""

        def take(text: str) -> str:
            if text and not text.isspace() and (where, text) not in self._places:
                self._places[where, text] = len(self._places)
                self.size += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            return text

        return take

    def masking(self, where: Where, spans: Mapping[int, Sequence[Span]], replace: Replace) -> Change:
        """Puts something else in the place of the spans, wherever their text stands."""

        def mask(text: str) -> str:
            found = spans.get(self._places.get((where, text), -1))
            return replaced(text, found, replace) if found else text

        return mask
