"""Presidio's analyzer: all texts as one, joined by blank lines; places of personal data back."""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from triplegate.wire.guards.told import Action, Ask, Call, Piece, Question, Told, counted, plain, span_of
from triplegate.wire.screening.spans import Span, apart

_BETWEEN = "\n\n"
MOST = 10_000
"""Finds of one answer."""


class _Found(msgspec.Struct):
    start: int
    end: int
    score: float
    entity_type: str


_READ = msgspec.json.Decoder(list[_Found])


def presidio(language: str, entities: Sequence[str], score: float, action: Action) -> Ask:
    """Finds `entities` (all that it knows where none are named) with at least that score."""
    fixed: dict[str, object] = {"language": language, "score_threshold": score}
    if entities:
        fixed["entities"] = list(entities)

    def ask(pieces: Sequence[Piece], _: Call) -> Question:
        texts = [plain(piece.text) for piece in pieces]
        starts = [0]
        for text in texts[:-1]:
            starts.append(starts[-1] + len(text) + len(_BETWEEN))
        joined = _BETWEEN.join(texts)

        def read(replies: Sequence[bytes]) -> Told:
            finds = [find for find in _READ.decode(replies[0]) if find.score >= score]
            if len(finds) > MOST:
                raise ValueError("more finds than one call may have")
            spans = [span_of(find.start, find.end, len(joined), find.entity_type) for find in finds]
            if not spans:
                return Told()
            placed = _placed(spans, starts, texts) if action == "mask" else {}
            return Told(action, counted([span.kind for span in spans]), placed)

        return Question((msgspec.json.encode({"text": joined, **fixed}),), read)

    return ask


def _placed(spans: Sequence[Span], starts: Sequence[int], texts: Sequence[str]) -> dict[int, tuple[Span, ...]]:
    """The spans by piece, each cut to the pieces that it touches."""
    found: dict[int, list[Span]] = {}
    for span in spans:
        at = max(0, bisect_right(starts, span.start) - 1)
        while at < len(texts) and starts[at] < span.end:
            start, end = max(0, span.start - starts[at]), min(len(texts[at]), span.end - starts[at])
            if start < end:
                found.setdefault(at, []).append(Span(start, end, span.kind))
            at += 1
    return {at: tuple(apart(each)) for at, each in found.items()}
