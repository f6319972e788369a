"""The words of a question: as they are compared, what they name, count, deny and ask for."""

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from triplegate.stores.semantic.vocabulary import NEGATIONS, NUMBERS, STOP

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,]\d+)*%?|[%$€£¥₹]", re.UNICODE)
_SHORT = {
    "what's": "what is",
    "how's": "how is",
    "who's": "who is",
    "where's": "where is",
    "when's": "when is",
    "that's": "that is",
    "there's": "there is",
    "it's": "it is",
    "i'm": "i am",
    "i've": "i have",
    "i'd": "i would",
    "i'll": "i will",
    "you're": "you are",
    "we're": "we are",
    "they're": "they are",
    "won't": "will not",
    "can't": "can not",
    "cannot": "can not",
    "shan't": "shall not",
    "let's": "let us",
    "y'all": "you all",
}
_ARTICLES = frozenset({"a", "an", "the", "please", "kindly"})


class Words(msgspec.Struct, frozen=True, eq=False):
    """One text, taken apart once."""

    text: str
    normal: tuple[str, ...]
    """All its words as they are compared; short forms are written out, articles left out."""
    content: tuple[str, ...]
    """Those that may decide an answer, by their stems, in order."""
    numbers: tuple[str, ...]
    """What it counts, sorted."""
    denied: int
    """How many times it says no."""


@lru_cache(maxsize=4096)
def words(text: str) -> Words:
    """The words of `text`."""
    plain = text.replace("’", "'").replace("‘", "'").lower()  # noqa: RUF001 - the marks themselves
    normal: list[str] = []
    denied = 0
    for word in _WORD.findall(plain):
        denied += word in NEGATIONS or word.endswith("n't")
        normal += _written_out(word)
    kept = tuple([word for word in normal if word not in _ARTICLES])
    content = tuple([stem(word) for word in kept if (word not in STOP and len(word) > 1) or word.isdigit()])
    return Words(text, kept, content, tuple(sorted(_numbers(kept))), denied)


def _written_out(word: str) -> list[str]:
    found = _SHORT.get(word)
    if found is not None:
        return found.split()
    if word.endswith("n't"):
        return [word[:-3], "not"] if word[:-3] else ["not"]
    plain = word.removesuffix("'s").strip("'")
    return [plain] if plain else []


def _numbers(normal: Iterable[str]) -> Iterable[str]:
    for word in normal:
        if word[0].isdigit():
            yield _plain(word)
        elif word in "%$€£¥₹":
            yield word
        elif word in NUMBERS:
            yield NUMBERS[word]


def _plain(number: str) -> str:
    """A number as it is compared: without thousands' separators and trailing zeros."""
    percent = "%" if number.endswith("%") else ""
    digits = number.rstrip("%")
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    whole, point, rest = digits.replace(",", ".").partition(".")
    rest = rest.rstrip("0") if "." not in rest else rest
    return (whole.lstrip("0") or "0") + (point + rest if rest else "") + percent


def stem(word: str) -> str:
    """A word without what only bends it: plural, past, running form."""
    for end, put in _ENDS:
        if word.endswith(end) and len(word) - len(end) >= 3 and not (end == "s" and word.endswith("ss")):
            cut = word[: len(word) - len(end)] + put
            if end in ("ing", "ed") and len(cut) > 3 and cut[-1] == cut[-2] and cut[-1] not in "lse":
                cut = cut[:-1]
            return cut
    return word


_ENDS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ied", "y"), ("ed", ""), ("es", "e"), ("s", ""))
