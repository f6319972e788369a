"""Words and patterns of the operator's own."""

import re
from collections.abc import Iterator, Sequence

from triplegate.wire.pattern import pattern
from triplegate.wire.screening.spans import Span

_END = re.compile(r"[\^$]|\\[AzQ]")


class Words:
    """Finds whole words and phrases, whatever their case."""

    dense = 1

    def __init__(self, words: Sequence[str]) -> None:
        import ahocorasick_rs

        lowered = [_lower(word) for word in words]
        self._search = ahocorasick_rs.AhoCorasick(lowered, matchkind=ahocorasick_rs.MatchKind.Standard)
        self.spaced = max(map(len, lowered)) + 1

    def __call__(self, text: str) -> Iterator[Span]:
        """All in `text`."""
        lowered = _lower(text)
        for _, start, end in self._search.find_matches_as_indexes(lowered, overlapping=True):
            before = start > 0 and lowered[start - 1].isalnum() and lowered[start].isalnum()
            behind = end < len(lowered) and lowered[end].isalnum() and lowered[end - 1].isalnum()
            if not (before or behind):
                yield Span(start, end, "word")


class Patterns:
    """Finds what fits one of the expressions (RE2)."""

    dense = 1

    def __init__(self, patterns: Sequence[str], span: int) -> None:
        """`span`: characters of the longest match."""
        self._patterns = [pattern(one) for one in patterns]
        self.at_ends = any(_END.search(one) for one in patterns)
        """What they find may depend on where the text begins and ends."""
        self.spaced = span + 1

    def __call__(self, text: str) -> Iterator[Span]:
        """All in `text`; a match of nothing is none."""
        for one in self._patterns:
            for match in one.finditer(text):
                if match.end() > match.start():
                    yield Span(match.start(), match.end(), "pattern")


def _lower(text: str) -> str:
    """Lower case letter by letter, so that every place stays where it was."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join([one.lower() if len(one.lower()) == 1 else one for one in text])
