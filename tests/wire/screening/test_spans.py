"""Spans: those that overlap are one, and all are replaced where they stand."""

from triplegate.wire.screening.spans import Span, found, replaced


def finder(*spans: Span):
    return lambda text: spans


def test_those_that_overlap_are_one_of_the_first_kind():
    given = [finder(Span(5, 9, "b"), Span(0, 3, "a")), finder(Span(2, 6, "c"), Span(12, 13, "d"))]
    assert found(given, "x" * 13) == [Span(0, 9, "a"), Span(12, 13, "d")]


def test_each_is_replaced_where_it_stands():
    text = "call 123 or 456 now"
    spans = [Span(5, 8, "n"), Span(12, 15, "n")]
    assert replaced(text, spans, lambda kind, piece: f"<{kind}{piece[0]}>") == "call <n1> or <n4> now"
