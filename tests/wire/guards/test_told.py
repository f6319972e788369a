"""Verdicts name kinds and places: kinds are words, places are characters whatever a guard counts in."""

import pytest

from triplegate.wire.guards.told import counted, kind_of, measured, plain, span_of

TEXT = "a🌹é"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("PERSON", "person"),
        ("hate/threatening", "hate_threatening"),
        ("US_DRIVER_LICENSE", "us_driver_license"),
        ("4111 1111", "found"),
        ("", "found"),
        ("x" * 100, "x" * 24),
    ],
)
def test_a_kind_is_a_word_that_placeholders_may_bear(said, kind):
    assert kind_of(said) == kind


def test_kinds_are_counted():
    assert counted(["A B", "a/b", "c d"]) == {"a_b": 2, "c_d": 1}


@pytest.mark.parametrize(
    ("unit", "offsets"),
    [
        ("characters", {0: 0, 1: 1, 2: 2, 3: 3}),
        ("utf16", {0: 0, 1: 1, 3: 2, 4: 3}),
        ("bytes", {0: 0, 1: 1, 5: 2, 7: 3}),
    ],
)
def test_offsets_become_characters(unit, offsets):
    character = measured(TEXT, unit)
    assert {offset: character(offset) for offset in offsets} == offsets


@pytest.mark.parametrize(("unit", "offset"), [("utf16", 2), ("bytes", 3), ("bytes", 8)])
def test_no_offset_is_within_a_character(unit, offset):
    with pytest.raises(ValueError, match="within a character"):
        measured(TEXT, unit)(offset)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (1, 1), (2, 1), (0, 4)])
def test_no_span_is_outside_of_its_text(start, end):
    with pytest.raises(ValueError, match="outside"):
        span_of(start, end, 3, "x")


def test_half_a_pair_is_replaced_one_for_one():
    assert plain("a\ud83db") == "a\ufffdb"
    assert plain(TEXT) == TEXT
