"""A guard of one's own behind a webhook: texts with their places; the answer says what becomes of them."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from triplegate.wire.guards.told import Ask, Call, Piece, Question, Told, Unit, counted, measured, plain, span_of
from triplegate.wire.screening.spans import Span, apart

MOST = 10_000
"""Spans of one answer."""
VERSION = 1


class _Span(msgspec.Struct):
    text: int
    start: int
    end: int
    kind: str = ""


class _Reply(msgspec.Struct):
    action: Literal["allow", "annotate", "mask", "block"]
    reason: str = ""
    kinds: list[str] = []
    spans: list[_Span] = []
    unit: Unit = "characters"


_READ = msgspec.json.Decoder(_Reply)


def webhook() -> Ask:
    """Sends every text with its place; the answer says what becomes of them."""

    def ask(pieces: Sequence[Piece], call: Call) -> Question:
        texts = [plain(piece.text) for piece in pieces]
        body = {
            "version": VERSION,
            "id": call.id,
            "model": call.model,
            "team": call.team,
            "consumer": call.consumer,
            "texts": [{"where": piece.where, "text": text} for piece, text in zip(pieces, texts, strict=True)],
        }

        def read(replies: Sequence[bytes]) -> Told:
            return _told(_READ.decode(replies[0]), texts)

        return Question((msgspec.json.encode(body),), read)

    return ask


def _told(reply: _Reply, texts: Sequence[str]) -> Told:
    """Raises ValueError for places that do not exist, and for a mask without any."""
    if reply.action == "allow":
        return Told()
    if len(reply.spans) > MOST:
        raise ValueError("more spans than one call may have")
    spans = {at: _placed(each, texts, reply) for at, each in _by_text(reply.spans).items()}
    if reply.action == "mask" and not spans:
        raise ValueError("nothing to mask")
    names = [span.kind for each in spans.values() for span in each] or reply.kinds or [reply.reason]
    placed = {at: tuple(apart(each)) for at, each in spans.items()} if reply.action == "mask" else {}
    return Told(reply.action, counted(names), placed)


def _by_text(spans: Sequence[_Span]) -> dict[int, list[_Span]]:
    found: dict[int, list[_Span]] = {}
    for span in spans:
        found.setdefault(span.text, []).append(span)
    return found


def _placed(spans: Sequence[_Span], texts: Sequence[str], reply: _Reply) -> list[Span]:
    """Those of one text, in characters."""
    at = spans[0].text
    if not 0 <= at < len(texts):
        raise ValueError("a span of a text that was not sent")
    text, character = texts[at], measured(texts[at], reply.unit)
    return [span_of(character(one.start), character(one.end), len(text), one.kind or reply.reason) for one in spans]
