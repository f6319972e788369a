"""Words that are written so that filters do not know them, written plainly: spelled out, with digits, run together."""

import re
import unicodedata
from collections.abc import Iterator

from triplegate.wire.pattern import MEMORY_OF_SIGNS, compiled
from triplegate.wire.screening.encoded import Piece

_LONGEST = 8192
_STEMS = (
    "ignor|disregard|forget|bypass|instruct|prompt|guideline|previous|system|rule|reveal|restrict|filter|jailbreak"
    "|developer|password|regel|anweisung|vergiss|consigne|instruc|olvida"
)
"""What the words of orders have in them: a disguise is one when more of them are there without it."""
_SPELLED = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .\-_*|/]{1,3}[^\W\d_]){3,}(?![^\W_])")
_GAP = re.compile(r"[ ]{2,}|[ /|][.\-_*][ /|]")
_BETWEEN = re.compile(r"[ .\-_*|/]")
_DIGITS = re.compile(r"(?<![\w@$])(?=[a-z]*[013457@$])(?=[013457@$]*[a-z])[a-z013457@$]{2,24}(?![\w@$])", re.IGNORECASE)
_WITH_DIGITS = re.compile(r"[a-z][013457@$]|[013457@$][a-z]", re.IGNORECASE)
_AS_LETTERS = (str.maketrans("013457@$", "oieastas"), str.maketrans("013457@$", "oleastas"))
_FEW = 2
_TOGETHER = re.compile(r"[A-Za-z]{14,400}")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TERMS = (
    "ignore|disregard|forget|override|bypass|reveal|print|show|say|tell|repeat|output|obey|follow|act|without|never|all|any"
    "|previous|prior|earlier|above|your|the|my|me|and|system|prompt|instructions?|rules?|guidelines|restrictions"
    "|filters?|developer|mode|secret|password|hidden|unrestricted|now|you|are|do|not|with|no"
)
_QUOTED = re.compile(r"[\"'\u201c\u2018`]([^\"'\u201d\u2019`\n]{2,200})[\"'\u201d\u2019`]")


class Disguises:
    """Takes disguises off."""

    __slots__ = ("_stems", "_terms")

    def __init__(self) -> None:
        self._stems = compiled(_STEMS, MEMORY_OF_SIGNS, cased=False)
        self._terms = compiled(_TERMS, MEMORY_OF_SIGNS, cased=False)

    def off(self, text: str) -> Iterator[Piece]:
        """The text without each disguise that it wears."""
        text = text[:_LONGEST]
        before = self._count(text)
        for name, bare in self._tried(text):
            if self._count(bare) > before:
                yield Piece(name, bare)
        for run in _TOGETHER.findall(text):
            if self._count(run) > 1:
                yield Piece("words run together", self._apart(run))

    def maybe(self, text: str) -> bool:
        """Whether something in `text`, many texts in ASCII, may be in disguise; seldom so where nothing is."""
        before = self._count(text)
        return (
            _SPELLED.search(text) is not None
            or any(self._count(text.translate(letters)) > before for letters in _AS_LETTERS)
            or any(self._count(run) > 1 for run in _TOGETHER.findall(text))
            or len(_QUOTED.findall(text)) > 1
            or self._count(text.replace("\n", "")) > before
        )

    def _count(self, text: str) -> int:
        return sum([1 for _ in self._stems.finditer(text)])

    def _tried(self, text: str) -> Iterator[tuple[str, str]]:
        joined = _SPELLED.sub(_joined, text)
        if joined != text:
            yield "letters spelled out", _TOGETHER.sub(lambda run: self._apart(run[0]), joined)
        if _WITH_DIGITS.search(text) and len(_DIGITS.findall(text)) >= _FEW:
            for letters in _AS_LETTERS:
                yield "digits for letters", _DIGITS.sub(lambda found: found[0].translate(letters), text)  # noqa: B023
        pieces = _QUOTED.findall(text)
        if len(pieces) > 1:
            yield "text in pieces", "".join(pieces)
        if "\n" in text:
            yield "words broken by lines", text.replace("\n", "")
        if not text.isascii():
            bare = "".join([one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)])
            yield "letters with accents", bare

    def _apart(self, run: str) -> str:
        """The known words of letters without spaces between."""
        text = _HUMP.sub(" ", run)
        if " " in text:
            return text
        return " ".join([found[0] for found in self._terms.finditer(text)]) or text


def _joined(run: re.Match[str]) -> str:
    return _BETWEEN.sub("", _GAP.sub("\0", run[0])).replace("\0", " ")
