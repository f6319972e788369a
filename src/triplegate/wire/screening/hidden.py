"""Characters that hide text: what they are, what they say, and the text as a reader sees it."""

import re
import unicodedata

LOOKALIKES = "look-alike letters"
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f")
"""Flags of England, Scotland and Wales are written with tag characters."""
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_BITS = re.compile("[\u2062\u2064\u200b\u200c\u2061\u2063]{24,}")
_BIDI = re.compile("[\u202d\u202e\u2066-\u2069]")
_LEFTWARDS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_REVERSED = re.compile("\u202e([^\u202c]{4,})")
_BETWEEN = re.compile("(?<=[!-~])[\u200b-\u200d\u2060-\u2064\u034f\u180e\ufeff]+(?=[!-~])")
"""Other scripts need joiners between their letters; Latin ones do not."""
_MANY = 4
_DROPPED = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\u034f\u061c\u180e\ufeff\U000e0000-\U000e007f\ufe00-\ufe0f"
    "\U000e0100-\U000e01ef]"
)
_WORD = re.compile(r"\w{3,}")
_FOREIGN = re.compile("[\u0400-\u04ff]{4,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u043a\u043c\u043d\u0442\u0432"
    "\u0433\u043f\u0438\u0131\u217c\u0261"
    "\u0410\u0412\u0415\u0417\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u03bf\u03b1\u03bd\u03b5\u03b9\u03ba\u03c4\u03c5\u03c1\u03c7\u03c9",
    "aeopcyxijshdqwkmhtbrnuilgABE3KMHOPCTYXIJSoaveiktupxw",
)
"""Letters of other scripts that look like Latin ones."""


def seen(text: str) -> str:
    """The text as it looks: without what is invisible, look-alikes as the letters they look like."""
    return unicodedata.normalize("NFKC", _DROPPED.sub("", text)).translate(_ALIKE)


def foreign(text: str) -> bool:
    """Whether it has words wholly in another script, which are no look-alikes."""
    return _FOREIGN.search(text) is not None


def said(text: str) -> list[str]:
    """What is hidden in `text`, as far as it can be read."""
    if not _DROPPED.search(text):
        return []
    text = _FLAG.sub("", text)
    found = ["".join([chr(ord(mark) - 0xE0000) for mark in run]) for run in _TAGS.findall(text)]
    found += ["".join([_byte(mark) for mark in run]) for run in _VARIATION.findall(text)]
    found += [run[::-1] for run in _REVERSED.findall(text)]
    return found


def _byte(mark: str) -> str:
    """A variation selector as the byte it stands for, where that can be shown."""
    code = ord(mark)
    value = code - 0xFE00 if code <= 0xFE0F else code - 0xE0100 + 16
    shifted = value & 0x7F
    return chr(shifted) if 32 <= shifted < 127 else " "


def signs(text: str) -> list[str]:
    """Which ways of hiding text are used; emoji of several parts, and joiners of other scripts, are none."""
    found = [LOOKALIKES] if mixed(text) >= 2 else []
    if not _DROPPED.search(text):
        return found
    text = _FLAG.sub("", text)
    for name, pattern, least in (
        ("tag characters", _TAGS, 1),
        ("runs of variation selectors", _VARIATION, 1),
        ("invisible bits", _BITS, 1),
        ("zero-width characters", _BETWEEN, _MANY),
    ):
        if len(pattern.findall(text)) >= least:
            found.append(name)
    if "\u202e" in text or (len(_BIDI.findall(text)) >= 2 and not _LEFTWARDS.search(text)):
        found.append("reversed text")
    return found


def mixed(text: str) -> int:
    """Words that mix Latin letters with look-alikes of another script, and with those only."""
    count = 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        others = [letter for letter in word if not letter.isascii()]
        count += len(others) < len(word) and all(ord(letter) in _ALIKE for letter in others)
    return count
