"""Signs that a text gives orders that are not its place: overriding, jailbreaks, hidden and encoded text; explained.

A score of cheap signs, each with its weight and name, and of what sentences speak of together. It is a heuristic:
what it finds is a reason to look, and it can be got round by whoever knows it. Untrusted text (tool results,
documents) deserves a lower threshold than a user's own.
"""

from collections.abc import Callable, Iterable

import msgspec

from triplegate.wire.screening import encoded, hidden
from triplegate.wire.screening.among import Among, among
from triplegate.wire.screening.ciphers import deciphered
from triplegate.wire.screening.disguise import Disguises
from triplegate.wire.screening.orders import Orders
from triplegate.wire.screening.quoted import parts
from triplegate.wire.screening.signs import Sign, signs
from triplegate.wire.screening.weights import SIGNS_ADD

LONGEST = 16_384
"""Characters that are looked at: so many of the beginning, and as many of the end."""
_CERTAIN = 0.99
"""Whoever scores this is looked at no further."""
_HIDING = 0.9
_LOOKALIKES = 0.6
_CODED = 0.6
_DISGUISED = 0.4
_FITTED = 0.1
"""Share of its weight that a sign has by itself, where what it says beside others is fitted."""
_DOUBT = 0.25
"""Leanings below it say nothing."""
_COMMON = {"base64": 0.15}
"""How much the coding itself says where it is usual."""


class Score(msgspec.Struct, frozen=True):
    """How much speaks for an attack, 0 to 1, and what."""

    value: float
    signs: tuple[str, ...]


class Reader:
    """Reads one text for what orders a model, and says what does."""

    __slots__ = ("_orders", "known")

    def __init__(self) -> None:
        self.known, self._orders = signs(), Orders()

    def __call__(
        self, text: str, found: dict[str, float], where: str = "", among: tuple[Sign, ...] | None = None
    ) -> None:
        """Put the signs in `text` into `found`, by name; only those `among` these may be in it."""
        pieces = parts(text, self._orders.concepts)
        known = self.known if among is None or len(pieces) > 1 else among
        for part, given in pieces:
            hits = [sign for sign in known if sign.stands_in(part)]
            beside = sum([SIGNS_ADD.get(sign.name, 0.0) for sign in hits])
            for sign in hits:
                weight = sign.weight * _FITTED if sign.name in SIGNS_ADD else sign.weight
                found[sign.name + where] = max(weight, found.get(sign.name + where, 0.0))
            self.orders(part, found, beside, where, given)

    def orders(self, text: str, found: dict[str, float], beside: float = 0.0, where: str = "", given: int = 0) -> None:
        """Put what its sentences speak of into `found`."""
        leaning = self._orders(text, beside, given)
        if leaning.chance >= _DOUBT:
            name = f"reads like an order ({leaning.why}){where}"
            found[name] = max(leaning.chance, found.get(name, 0.0))


class Scoring:
    """The score of one text: about a millisecond for 1 KB, linear in the length."""

    __slots__ = ("_disguises", "_read")

    def __init__(self) -> None:
        self._read, self._disguises = Reader(), Disguises()

    def among(self, texts: Iterable[str]) -> Callable[[str], Score]:
        """The same for texts of which many are short: what is in none of those is not looked for in each."""
        known = among(texts, self._read.known, self._disguises)
        return lambda text: self._score(text, known if text in known.texts else None)

    def __call__(self, text: str) -> Score:
        """Of any text."""
        return self._score(text, None)

    def _score(self, text: str, known: Among | None) -> Score:
        if known is not None and known.is_plain(text):
            found: dict[str, float] = {}
            self._read.orders(text, found)
            return Score(_together(found.values()), tuple(sorted(found))) if found else _NOTHING
        if len(text) > 2 * LONGEST:
            text = text[:LONGEST] + "\n" + text[-LONGEST:]
        found = {}
        plain = text
        if not text.isascii():
            plain = _uncovered(self._read, text, found)
        self._read(plain, found, among=None if known is None else known.signs)
        if _together(found.values()) < _CERTAIN:
            if known is None or known.is_coded(plain):
                _decode(self._read, plain, found)
            self._undisguise(plain, found, known)
        return Score(_together(found.values()), tuple(sorted(found))) if found else _NOTHING

    def _undisguise(self, text: str, found: dict[str, float], known: Among | None) -> None:
        pieces = list(deciphered(text)) if known is None or known.ciphered else []
        if known is None or known.disguised:
            pieces += self._disguises.off(text)
        for piece in pieces:
            found[piece.coding] = _DISGUISED
            self._read(piece.text, found, f" ({piece.coding})")


_NOTHING = Score(0.0, ())


def scorer() -> Scoring:
    """One of its own."""
    return Scoring()


def _uncovered(read: Reader, text: str, found: dict[str, float]) -> str:
    """The text as it looks, once what is hidden in it, and its own letters, have been read."""
    for sign in hidden.signs(text):
        found[sign] = _LOOKALIKES if sign == hidden.LOOKALIKES else _HIDING
    for told in hidden.said(text):
        read(told, found, " (hidden)")
    if hidden.foreign(text):
        read.orders(text, found)
    return hidden.seen(text)


def _decode(read: Reader, text: str, found: dict[str, float]) -> None:
    for piece in encoded.pieces(text):
        found[f"text in {piece.coding}"] = _COMMON.get(piece.coding, _CODED)
        read(piece.text, found, f" ({piece.coding})")
        for inner in encoded.pieces(piece.text) if piece.coding in _COMMON else ():
            found[f"text in {inner.coding} in {piece.coding}"] = _CODED
            read(inner.text, found, f" ({inner.coding})")


def _together(weights: Iterable[float]) -> float:
    """Independent signs: what is left of the doubt after each."""
    doubt = 1.0
    for weight in weights:
        doubt *= 1 - weight
    return round(1 - doubt, 3)
