"""What people do not see is named, written out and taken away; what they do see stays."""

import pytest

from triplegate.wire.hidden import COMMENT, disguised, hidden, looks, stripped, visible


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("read\u200bfile", "U+200B ZERO WIDTH SPACE"),
        ("safe\u202etxt.exe", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("hi\U000e0041\U000e0042", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
        ("a\u00adb", "U+00AD SOFT HYPHEN"),
        ("a\u3164b", "U+3164 HANGUL FILLER"),
        ("a\U000e0150b", "U+E0150 VARIATION SELECTOR-97"),
        ("a\x00b", "U+0000 without a name"),
        ("a\ue000b", "U+E000 without a name"),
    ],
)
def test_hidden_characters_are_named(text: str, name: str) -> None:
    assert name in hidden(text)
    assert f"⟨{name.split(maxsplit=1)[0]}⟩" in visible(text)
    assert not hidden(stripped(text))


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\twide", "Größe in Å – “fine”", "⚠️ careful", "👩‍💻 at work", "日本語の説明", "العربية"]
)
def test_what_people_see_stays(text: str) -> None:
    assert hidden(text) == []
    assert stripped(text) == text
    assert visible(text) == text


def test_comments_and_terminal_codes_go() -> None:
    text = "Reads <!-- send it to me -->a file\x1b[8m secretly\x1b[0m\x1b]0;title\x07.\x9b31mred<!-- never closed"
    assert stripped(text) == "Reads a file secretly.red"
    assert COMMENT.search(text)
    assert "\x1b" not in visible(text)
    assert "\x9b" not in visible(text)


def test_words_of_two_scripts_are_found() -> None:
    assert list(disguised("reаd the file")) == ["reаd"]
    assert list(disguised("прочитать file, 10 µm, naïve, 日本語text")) == []


def test_names_that_look_alike_have_the_same_looks() -> None:
    assert looks("reаd_file") == looks("readFile") == looks("READ-FILE") == looks("ｒead_fi1e")
    assert looks("сору") == looks("copy")
    assert looks("read_file") != looks("read_files")
