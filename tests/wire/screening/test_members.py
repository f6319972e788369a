"""Texts within JSON: all are seen, and what nobody changes stays byte for byte."""

import pytest

from triplegate.wire.screening.members import changed


def upper(piece: str) -> str:
    return piece.upper() if piece == "x" else piece


def test_every_string_name_and_long_number_is_seen():
    seen: list[str] = []

    def note(piece: str) -> str:
        seen.append(piece)
        return piece

    text = '{"a": ["b", {"c": "\\u0064"}], "a": 1234567, "e": 12, "f": 0.12345678, "g": null}'
    assert changed(text, note) == text
    assert set(seen) == {"a", "b", "c", "d", "1234567", "e", "f", "0.12345678", "g"}


def test_what_changes_is_written_anew():
    assert changed('{"a": ["x", 1.5, true], "x": "y"}', upper) == '{"a":["X",1.5,true],"X":"y"}'
    assert changed('"x"', upper) == '"X"'
    assert changed("12345678", lambda piece: "<n>") == '"<n>"'


@pytest.mark.parametrize("text", ["{", "x", "", "[" * 100_000])
def test_what_is_no_json_is_told(text: str):
    with pytest.raises(ValueError, match=r".*"):
        changed(text, upper)
