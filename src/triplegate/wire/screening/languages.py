"""The language of a text, where it can be told: short texts, mixed ones and code have none."""

import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import msgspec

LIBRARY = "pycld2"
UNDETERMINED = ""
_LONGEST = 16_384
"""Characters that are looked at: so many of the beginning, and as many of the end."""
_LEAST = 24
"""Letters below which nothing is told; letters of scripts without spaces count three times."""
_SHARE = 80
"""Percent of a text that its language must have."""
_CODE = 0.12
"""Marks of code per letter, from which on a line is none."""
_FOREIGN = 30
"""Percent from which on a language counts where none has most of a text."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_PLACES = re.compile(r"https?://[!-~]{1,2048}|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}|<[A-Z_]{1,32}_\d{1,9}>")
_MARKS = re.compile(r"[{}()\[\]<>=;_\\/|&*$#@`~^+\"]|\d")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SAME = {
    "iw": "he",
    "jw": "jv",
    "tl": "fil",
    "zh-Hant": "zh",
    "nn": "no",
    "nb": "no",
    "da": "no",
    "hr": "sr",
    "bs": "sr",
    "ms": "id",
}
"""Other names, and languages that are hardly told apart: they count as one."""


class Told(msgspec.Struct, frozen=True):
    """What can be told of a text."""

    language: str = UNDETERMINED
    """The one that most of it is in; empty where that is not clear."""
    others: frozenset[str] = frozenset()
    """Those that larger parts of it are in, where it is not one."""


def installed() -> bool:
    """Whether languages can be told here."""
    return find_spec(LIBRARY) is not None


def one_of(name: str) -> str:
    """The name under which a language is told. Raises ValueError for one that nobody tells."""
    found = _SAME.get(name, name)
    if found not in {_SAME.get(code, code) for code in _known()}:
        raise ValueError(f"language {name!r} cannot be told")
    return found


def _known() -> list[str]:
    cld: Any = import_module(LIBRARY)
    detected = set(cld.DETECTED_LANGUAGES)
    return [code for name, code in cld.LANGUAGES if name in detected]


class Teller:
    """Tells the languages of texts: about a tenth of a millisecond for a kilobyte."""

    __slots__ = ("_detect", "_error")

    def __init__(self) -> None:
        cld: Any = import_module(LIBRARY)
        self._detect, self._error = cld.detect, cld.error

    def __call__(self, text: str) -> Told:
        """What can be told of `text`."""
        if len(text) > 2 * _LONGEST:
            text = text[:_LONGEST] + "\n" + text[-_LONGEST:]
        prose = _prose(text)
        if _letters(prose) < _LEAST:
            return Told()
        try:
            reliable, _, found = self._detect(prose.encode("utf-8", "ignore"), isPlainText=True, bestEffort=False)
        except self._error:
            return Told()
        shares: dict[str, int] = {}
        for _, code, percent, _ in found:
            name = _SAME.get(code, code)
            shares[name] = shares.get(name, 0) + percent
        shares.pop("un", None)
        most = max(shares, key=lambda name: shares[name], default="")
        if reliable and most and shares[most] >= _SHARE:
            return Told(most)
        return Told(others=frozenset([name for name, share in shares.items() if share >= _FOREIGN]))


def _prose(text: str) -> str:
    """The text without what is no language: addresses, placeholders, lines of code."""
    plain = _CONTROLS.sub(" ", text)
    if "@" in plain or "://" in plain or "_" in plain:
        plain = _PLACES.sub(" ", plain)
    return "\n".join([line for line in plain.split("\n") if not _is_code(line)])


def _is_code(line: str) -> bool:
    return len(_MARKS.findall(line)) > _CODE * _letters(line) + 1


def _letters(text: str) -> int:
    count = sum(map(str.isalpha, text))
    return count if text.isascii() else count + 2 * len(_DENSE.findall(text))
