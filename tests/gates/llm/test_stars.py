"""Patterns of model names."""

import pytest

from triplegate.gates.llm.stars import Pattern


@pytest.mark.parametrize(
    ("pattern", "name", "star"),
    [
        ("gpt-4*", "gpt-4o", "o"),
        ("gpt-4*", "gpt-4", ""),
        ("gpt-4*", "GPT-4o", None),
        ("*", "any/model:x@1", "any/model:x@1"),
        ("a*a", "a", None),
        ("a*a", "aa", ""),
        ("openai/*-latest", "openai/gpt-latest", "gpt"),
        ("a/*", "a/../admin", None),
        ("a/*", "a/x y", None),
        ("a/*", "a/x?b", None),
        ("a*", "a*", None),
        ("a*", "a" + "x" * 129, None),
    ],
)
def test_a_star_stands_for_what_may_stand_in_a_name(pattern, name, star):
    assert Pattern(pattern).star(name) == star


def test_filling_in_is_the_way_back():
    pattern = Pattern("a/*-b")
    assert pattern.filled(pattern.star("a/x-b")) == "a/x-b"
