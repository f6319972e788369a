"""Spans: those that overlap are one, and all are replaced where they stand."""

from triplegate.wire.screening.spans import Span, found, moved, parted, replaced


def finder(*spans: Span):
    return lambda text: spans


def test_those_that_overlap_are_one_of_the_first_kind():
    given = [finder(Span(5, 9, "b"), Span(0, 3, "a")), finder(Span(2, 6, "c"), Span(12, 13, "d"))]
    assert found(given, "x" * 13) == [Span(0, 9, "a"), Span(12, 13, "d")]


def test_each_is_replaced_where_it_stands():
    text = "call 123 or 456 now"
    spans = [Span(5, 8, "n"), Span(12, 15, "n")]
    assert replaced(text, spans, lambda kind, piece: f"<{kind}{piece[0]}>") == "call <n1> or <n4> now"


def test_one_that_stands_in_several_pieces_is_replaced_in_the_first():
    spans = [Span(1, 2, "a"), Span(4, 11, "b")]
    pieces = parted("0123456789abc", spans, [0, 5, 9, 9, 13], lambda kind, piece: f"<{kind}{piece}>")
    assert pieces == ["0<a1>23<b456789a>", "", "", "bc"]


def test_they_can_be_moved():
    assert moved([Span(1, 2, "a")], 4) == [Span(5, 6, "a")]
