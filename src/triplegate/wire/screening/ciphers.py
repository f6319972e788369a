"""Text in numbers, signs and shifted letters: codes of characters, binary, Morse, URLs, HTML, Caesar, Atbash."""

import html
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from triplegate.wire.screening.encoded import Piece

_LONGEST = 8192
_LEAST = 8
_URL = re.compile(r"%[0-9A-Fa-f]{2}")
_MANY = 4
_ENTITIES = re.compile(r"(?:&#(?:\d{2,3}|x[0-9A-Fa-f]{2});){3}")
_ESCAPES = re.compile(r"(?:\\u00[0-9A-Fa-f]{2}){3,}")
_NUMBERS = re.compile(r"(?:\b\d{2,3}\b[ ,;\t\n]{0,3}){10,}")
_NUMBER = re.compile(r"\d+")
_BINARY = re.compile(r"(?:\b[01]{7,8}\b[ ,\n]{0,2}){4,}|\b(?:[01]{8}){4,}\b")
_BITS = re.compile(r"[01]{7,8}")
_MORSE = re.compile(r"(?:[.\-\u00b7\u2022\u2212\u2013]{1,6}[ /|\n]{1,3}){8,}[.\-\u00b7\u2022\u2212\u2013]{0,6}")
_MORSE_LETTERS = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.
"""
_ALPHABET = dict(zip(_MORSE_LETTERS.split(), string.ascii_lowercase + string.digits, strict=True))
_DOTS = str.maketrans("\u00b7\u2022\u2212\u2013", "..--")
_COMMON = """
ignore instructions instruction previous prompt system reveal disregard forget guidelines rules please print output
repeat secret password hidden developer your this that with have from what about tell write without pretend
"""
_WORD = re.compile(r"[a-z]{4,}")
_LETTERS = string.ascii_lowercase
_ATBASH = 0
_TABLES = {
    shift: str.maketrans(
        _LETTERS + _LETTERS.upper(),
        (_LETTERS[shift:] + _LETTERS[:shift]) + (_LETTERS[shift:] + _LETTERS[:shift]).upper(),
    )
    for shift in range(1, 26)
} | {_ATBASH: str.maketrans(_LETTERS + _LETTERS.upper(), _LETTERS[::-1] + _LETTERS[::-1].upper())}
_ROT13 = 13
"""Looked for elsewhere."""
_SHIFTED: dict[str, int] = {
    word.translate(table): shift for shift, table in _TABLES.items() if shift != _ROT13 for word in _COMMON.split()
}


def deciphered(text: str) -> Iterator[Piece]:
    """What can be read in `text` once it is deciphered."""
    text = text[:_LONGEST]
    if "%" in text and len(_URL.findall(text)) >= _MANY:
        yield Piece("percent encoding", unquote(text))
    if "&#" in text and _ENTITIES.search(text):
        yield Piece("HTML entities", html.unescape(text))
    if "\\u" in text and _ESCAPES.search(text):
        yield Piece("escapes", re.sub(r"\\u00([0-9A-Fa-f]{2})", lambda one: chr(int(one[1], 16)), text))
    for coding, some, pattern, read in _WAYS:
        for run in pattern.findall(text)[:_LEAST] if some.search(text) else ():
            found = read(run)
            if len(found) >= _LEAST:
                yield Piece(coding, found)
    yield from _shifted(text)


def _of_codes(run: str) -> str:
    codes = [int(one) for one in _NUMBER.findall(run)]
    plain = [chr(code) for code in codes if 32 <= code < 127 or code == 10]
    letters = sum([one.isalpha() or one == " " for one in plain])
    return "".join(plain) if letters > 0.8 * len(codes) else ""


def _of_bits(run: str) -> str:
    return "".join([chr(int(one, 2)) for one in _BITS.findall(run)])


def _of_morse(run: str) -> str:
    words = re.split(r" ?[/|\n] ?| {3}", run.translate(_DOTS).strip())
    letters = [[_ALPHABET.get(one, "") for one in word.split()] for word in words]
    return " ".join(["".join(word) for word in letters])


_WAYS: tuple[tuple[str, re.Pattern[str], re.Pattern[str], Callable[[str], str]], ...] = (
    ("codes of characters", re.compile(r"\d{2,3}[ ,;\t\n]{1,3}\d{2,3}[ ,;\t\n]"), _NUMBERS, _of_codes),
    ("binary", re.compile("[01]{7}"), _BINARY, _of_bits),
    ("Morse code", re.compile(r"[.\-\u00b7\u2022\u2212\u2013]{2}[ /|]"), _MORSE, _of_morse),
)
"""What it is called, what is always in it, what it looks like, and how it is read."""


def _shifted(text: str) -> Iterator[Piece]:
    """Letters moved by a number of places, or mirrored, where several words then make sense."""
    shifts = Counter([_SHIFTED[word] for word in set(_WORD.findall(text.lower())) if word in _SHIFTED])
    for shift, count in shifts.most_common(1):
        if count > 1:
            yield Piece("Caesar cipher", text.translate(_BACK[shift]))


_BACK = {shift: table if shift == _ATBASH else _TABLES[26 - shift] for shift, table in _TABLES.items()}
