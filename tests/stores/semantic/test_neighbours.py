"""Of the nearest questions the favoured answer is the candidate, with all that speaks for and against it."""

import pytest

from triplegate.core.ports import Near
from triplegate.stores.semantic.neighbours import candidate, write_question
from triplegate.stores.semantic.words import words


def near(*told):
    return [Near(f"e{at}", alike, write_question(text, answer)) for at, (alike, text, answer) in enumerate(told)]


def test_many_that_are_near_outweigh_one_that_is_nearest():
    found = candidate(
        words("reset my password"),
        near((0.91, "change my password", "b"), (0.90, "reset password", "a"), (0.90, "password reset", "a")),
    )
    assert found.answer == "a"
    assert found.answers == frozenset({"a", "b"})
    bias, similarity, margin, share, support, novelty, same = found.features
    assert (bias, same) == (1.0, 0.0)
    assert similarity == pytest.approx(1.0)
    assert margin == pytest.approx(-0.1)
    assert share > 0
    assert support > 0
    assert novelty == 0


def test_a_forbidden_neighbour_does_not_speak_but_another_one_may():
    asked = words("How do I enable alerts?")
    found = candidate(asked, near((0.97, "How do I disable alerts?", "a"), (0.93, "Enabling alerts", "a")))
    assert (found.entry, found.similarity, found.forbidden) == ("e1", 0.93, "")
    found = candidate(asked, near((0.97, "How do I disable alerts?", "a")))
    assert found.forbidden == "opposites"


def test_where_all_got_one_answer_the_last_bounds_the_rival():
    told = near(*[(0.9 - at / 100, f"reset password {chr(97 + at)}", "a") for at in range(10)])
    assert candidate(words("reset password"), told).features[2] == pytest.approx(0.9)
    assert candidate(words("reset password"), told[:3]).features[2] == pytest.approx(5.0)


def test_words_that_none_of_them_has_are_news():
    found = candidate(words("reset password of the router"), near((0.9, "reset password", "a")))
    assert found.features[5] == pytest.approx(1 / 3)


def test_the_same_words_are_the_same():
    assert candidate(words("What's a VPN?"), near((0.99, "what is a vpn", "a"))).features[6] == 1.0


def test_nothing_near_is_no_candidate():
    assert candidate(words("hello"), []) is None
