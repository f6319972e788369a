"""What was masked in one call: the placeholder of each piece, and the piece of each placeholder that may come back."""

from collections.abc import Iterator

from triplegate.core.errors import Refusal
from triplegate.wire.pattern import compiled
from triplegate.wire.screening.spans import Span

_MOST = 10_000
"""Different pieces of one call."""
_PLACEHOLDER = r"<[A-Z_]{2,24}_[0-9]{1,5}>"


class Vault:
    """One call's."""

    __slots__ = ("_counts", "_names", "_pieces")

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._pieces: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def mask(self, kind: str, piece: str) -> str:
        """Its placeholder: equal pieces have the same. Raises Refusal content_blocked for too many."""
        name = self._names.get((kind, piece))
        if name is None:
            if len(self._names) >= _MOST:
                raise Refusal("content_blocked", "There is more to be masked than one call may have.")
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            name = self._names[kind, piece] = f"<{kind.upper()}_{count}>"
        return name

    def keep(self, kind: str, piece: str) -> str:
        """As `mask`, and the piece can be had back."""
        name = self.mask(kind, piece)
        self._pieces[name] = piece
        return name

    def restore(self, kind: str, name: str) -> str:
        """The piece of a placeholder; what is none of ours stays."""
        return self._pieces.get(name, name)

    def __bool__(self) -> bool:
        """Whether anything can be had back."""
        return bool(self._pieces)


class Placeholders:
    """Finds what may be one."""

    dense = 34
    spaced = 1

    def __init__(self) -> None:
        self._pattern = compiled(_PLACEHOLDER, 1 << 20)

    def __call__(self, text: str) -> Iterator[Span]:
        """All in `text`."""
        for match in self._pattern.finditer(text):
            yield Span(match.start(), match.end(), "placeholder")
