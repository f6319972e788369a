"""Texts are taken once with their place, and changed wherever they stand."""

from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.guards.told import Piece
from triplegate.wire.screening.spans import Span


def test_each_text_is_taken_once_for_each_place():
    pieces = Pieces()
    said, answered = pieces.taking("input"), pieces.taking("tool_results")
    for text in ("Hi", "Hi", " \n", "", "Rosé"):
        assert said(text) == text
    answered("Hi")
    assert pieces.all == [Piece("input", "Hi"), Piece("input", "Rosé"), Piece("tool_results", "Hi")]
    assert pieces.size == 2 + 5 + 2


def test_what_is_masked_is_masked_where_it_stood_and_nowhere_else():
    pieces = Pieces()
    pieces.taking("input")("I am Ada")
    pieces.taking("tool_results")("I am Ada")
    spans = {0: [Span(5, 8, "person")]}
    assert pieces.masking("input", spans, lambda kind, piece: f"<{kind}:{piece}>")("I am Ada") == "I am <person:Ada>"
    assert pieces.masking("tool_results", spans, lambda kind, piece: "x")("I am Ada") == "I am Ada"
    assert pieces.masking("input", spans, lambda kind, piece: "x")("Another") == "Another"
