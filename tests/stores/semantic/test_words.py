"""Words as they are compared: bent forms, short forms, numbers however they are written, and what is denied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.stores.semantic.words import stem, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's the capital of France?", "what is capital of france"),
        ("I can't log in!", "I cannot log in"),
        ("Please don’t do the thing", "do not do thing"),
    ],
)
def test_short_forms_marks_and_articles_say_nothing(one, other):
    assert words(one).normal == words(other).normal


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Take two pills", ("2",)),
        ("1,000 steps or 2.50 km", ("1000", "2.5")),
        ("1,5 Liter und 03 Flaschen", ("1.5", "3")),
        ("5% of $20", ("$", "20", "5%")),
        ("a dozen eggs on the third day", ("12", "3")),
        ("which one is this", ()),
    ],
)
def test_numbers_are_what_they_count(text, numbers):
    assert words(text).numbers == numbers


@pytest.mark.parametrize(
    ("text", "denied"), [("it works", 0), ("it doesn't work", 1), ("never say no", 2), ("without it", 1)]
)
def test_denials_are_counted(text, denied):
    assert words(text).denied == denied


@pytest.mark.parametrize(
    ("one", "other"), [("cards", "card"), ("stopped", "stopping"), ("policies", "policy"), ("classes", "class")]
)
def test_bent_forms_have_one_stem(one, other):
    assert stem(one) == stem(other)


@given(st.text(max_size=200))
def test_any_text_has_words(text):
    said = words(text)
    assert all(said.normal)
    assert len(said.content) <= len(said.normal) + len(said.numbers)
