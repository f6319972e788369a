"""Many short texts at once: what none of them shows is found out for all together, and not looked for in each."""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from triplegate.wire.screening.ciphers import deciphered
from triplegate.wire.screening.disguise import Disguises
from triplegate.wire.screening.encoded import dense, loose
from triplegate.wire.screening.signs import Sign
from triplegate.wire.screening.spans import Finder
from triplegate.wire.screening.words import Patterns

_BETWEEN = "\n\0\n"
"""What no sign reaches across."""
_CHUNK = 8000
LONGEST = 1000
"""Characters of a short text."""
_QUOTES = re.compile("[\"'`]")
_DENSE = re.compile("[!-~]{15}")
"""What every coding without spaces has."""


class Among(msgspec.Struct, frozen=True):
    """What to look for in each of them."""

    texts: frozenset[str]
    signs: tuple[Sign, ...]
    loose: bool
    """Whether codings with spaces may be in one."""
    ciphered: bool
    disguised: bool

    def is_coded(self, text: str) -> bool:
        """Whether a coding may be in one of them."""
        return self.loose or (_DENSE.search(text) is not None and dense(text))

    def is_plain(self, text: str) -> bool:
        """Whether one of them shows none of all this: nothing but what its sentences speak of counts."""
        if self.loose or self.ciphered or self.disguised or _QUOTES.search(text) or self.is_coded(text):
            return False
        return not any(sign.stands_in(text) for sign in self.signs)


def among(texts: Iterable[str], known: tuple[Sign, ...], disguises: Disguises) -> Among:
    """What these may show; those that are long, or have more than ASCII, are left out."""
    short = frozenset([text for text in texts if len(text) <= LONGEST and text.isascii()])
    chunks = list(chunked(short))
    whole = _BETWEEN.join(chunks)
    return Among(
        short,
        tuple([sign for sign in known if sign.stands_in(whole)]),
        any(map(loose, chunks)),
        any(next(deciphered(chunk), None) is not None for chunk in chunks),
        any(map(disguises.maybe, chunks)),
    )


def finders_among(texts: Iterable[str], finders: Sequence[Finder]) -> list[Finder]:
    """Those that find something in one of these texts."""
    whole = _BETWEEN.join(texts)
    return [one for one in finders if (isinstance(one, Patterns) and one.at_ends) or any(True for _ in one(whole))]


def texts_of(raw: bytes) -> set[str]:
    """The strings, names and whole numbers in JSON; none where it cannot be read."""
    found: set[str] = set()
    try:
        left = [msgspec.json.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return found
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, dict):
            found.update(value)
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif type(value) is int:
            found.add(str(value))
    return found


def chunked(texts: Iterable[str]) -> Iterator[str]:
    """The texts as few ones."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text) + len(_BETWEEN)
        if size >= _CHUNK - LONGEST:
            yield _BETWEEN.join(held)
            held, size = [], 0
    yield _BETWEEN.join(held)
