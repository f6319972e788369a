"""Text that people do not see and models read: hidden characters, terminal codes, comments, letters in disguise."""

import re
import unicodedata
from collections.abc import Iterator

COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
"""What HTML and Markdown do not show."""
ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\|\Z)|\x1b[@-_]?", re.DOTALL)
"""Terminal codes: they overwrite, hide and colour what stands before and behind them."""
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_ODD = {0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x3164, 0xFFA0, 0x2800}
_PLAIN_CONTROLS = {0x09, 0x0A, 0x0D, 0x1B, 0x9B}  # white space, and what ANSI finds
_JOINER = 0x200D

_DISGUISED = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u051b\u051d\u0432\u043a\u043c\u043d\u0442"
    "\u03b1\u03bf\u03c1\u03c5\u03bd\u03b9\u03ba\u03c4\u03f2\u03f3\u0578\u057d\u0570\u0585\u0261\u0131\u01c0",
    "aeopcyxijsdhlqwbkmhtaopuviktcjnuhogil",
)
"""Letters of other scripts that look like Latin ones."""
_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "FULLWIDTH", "MATHEMATICAL")


def hidden(text: str) -> list[str]:
    """The hidden characters in `text`, each named once: U+200B ZERO WIDTH SPACE."""
    if text.isascii() and text.isprintable():
        return []
    found: dict[str, None] = {}
    for place, character in enumerate(text):
        if _hides(text, place, character):
            found[named(character)] = None
    return list(found)


def named(character: str) -> str:
    """Its number and its name."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"


def _hides(text: str, place: int, character: str) -> bool:
    number = ord(character)
    if number == _JOINER:  # joins emoji to families; between letters it hides
        around = text[max(0, place - 1) : place], text[place + 1 : place + 2]
        return not all(one and unicodedata.category(one) in ("So", "Sk", "Mn") for one in around)
    if number in _ODD or 0xE0100 <= number <= 0xE01EF:
        return True
    category = unicodedata.category(character)
    return category in ("Cf", "Co", "Cn") or (category == "Cc" and number not in _PLAIN_CONTROLS)


def visible(text: str) -> str:
    """`text` with what hides written out as ⟨U+200B⟩, line ends kept: safe for a terminal and for the eye."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(one):04X}⟩" if ord(one) in (0x0D, 0x1B, 0x9B) or _hides(text, place, one) else one
        for place, one in enumerate(text)
    )


def stripped(text: str) -> str:
    """`text` without comments, terminal codes and hidden characters."""
    if text.isascii() and text.isprintable() and "<!--" not in text:
        return text
    text = COMMENT.sub("", ANSI.sub("", text))
    return "".join(one for place, one in enumerate(text) if not _hides(text, place, one))


def disguised(text: str) -> Iterator[str]:
    """Words that mix Latin letters with others that look like them."""
    if text.isascii():
        return
    for word in _LETTERS.findall(text):
        if not word.isascii() and _is_mixed(word):
            yield word


def _is_mixed(word: str) -> bool:
    foreign = [letter for letter in word if not letter.isascii() and unicodedata.name(letter, "").startswith(_SCRIPTS)]
    return bool(foreign) and len(foreign) < len(word) and any(letter.isascii() for letter in word)


def looks(name: str) -> str:
    """What a name looks like: two names of the same looks are easily taken for one another."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_DISGUISED)
    return re.sub(r"[^\w]|_", "", folded.translate({0x30: "o", 0x31: "l"}))
