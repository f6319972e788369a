"""Token classes are disjoint and sum to the totals."""

from triplegate.core.usage import CLASSES, Usage, plain_tokens


def test_totals_are_the_sums_of_their_classes():
    usage = Usage(*range(1, 10))
    assert usage.tokens() == (1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert usage.input_total == 21
    assert usage.output_total == 24
    assert usage.total == 45


def test_the_classes_are_the_fields_in_order():
    assert Usage.__struct_fields__[: len(CLASSES)] == CLASSES


def test_plain_tokens_are_input_and_text():
    assert plain_tokens(3, 4) == Usage(input_uncached=3, output_text=4).tokens()
