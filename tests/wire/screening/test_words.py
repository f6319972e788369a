"""Words are found whole whatever their case; expressions are RE2's."""

import pytest

from triplegate.wire.screening.spans import found
from triplegate.wire.screening.words import Patterns, Words


def pieces(finder, text: str) -> list[str]:
    return [text[span.start : span.end] for span in found([finder], text)]


def test_words_and_phrases_whatever_their_case_and_never_parts_of_words():
    finder = Words(["Falcon", "project x"])
    assert pieces(finder, "FALCON and falconry, Project X.") == ["FALCON", "Project X"]
    assert finder.spaced == len("project x") + 1


def test_letters_that_grow_when_they_are_lowered_move_nothing():
    text = "\u0130\u0130 Falcon"
    assert pieces(Words(["falcon"]), text) == ["Falcon"]


def test_patterns():
    finder = Patterns([r"T-\d{4}", "x*"], 16)
    assert pieces(finder, "T-1234 and T-12, xx") == ["T-1234", "xx"]
    assert finder.spaced == 17


def test_a_pattern_that_is_none_is_told():
    with pytest.raises(ValueError, match="RE2"):
        Patterns(["(?=x)"], 8)
