"""Signs that a text gives orders that are not its place: overriding, jailbreaks, hidden and encoded text; explained.

A score of cheap signs, each with its weight and name. It is a heuristic: what it finds is a reason to look, and it can
be got round by whoever knows it. Untrusted text (tool results, documents) deserves a lower threshold than a user's own.
"""

from collections.abc import Callable, Iterable

import msgspec

from triplegate.wire.screening import encoded, hidden
from triplegate.wire.screening.signs import Sign, signs

LONGEST = 16_384
"""Characters that are looked at: so many of the beginning, and as many of the end."""
_CERTAIN = 0.99
"""Whoever scores this is looked at no further."""
_HIDING = 0.9
_LOOKALIKES = 0.6
_CODED = 0.6
_COMMON = {"base64": 0.15}
"""How much the coding itself says where it is usual."""


class Score(msgspec.Struct, frozen=True):
    """How much speaks for an attack, 0 to 1, and what."""

    value: float
    signs: tuple[str, ...]


def scorer() -> Callable[[str], Score]:
    """The score of one text: about half a millisecond for 1 KB, linear in the length."""
    known = signs()

    def score(text: str) -> Score:
        if len(text) > 2 * LONGEST:
            text = text[:LONGEST] + "\n" + text[-LONGEST:]
        found: dict[str, float] = {}
        plain = text
        if not text.isascii():
            plain = hidden.seen(text)
            for sign in hidden.signs(text):
                found[sign] = _LOOKALIKES if sign == hidden.LOOKALIKES else _HIDING
            for told in hidden.said(text):
                _look(known, told, found, " (hidden)")
        _look(known, plain, found, "")
        if _together(found.values()) < _CERTAIN:
            _decode(known, plain, found)
        return Score(_together(found.values()), tuple(sorted(found)))

    return score


def _decode(known: tuple[Sign, ...], text: str, found: dict[str, float]) -> None:
    for piece in encoded.pieces(text):
        found[f"text in {piece.coding}"] = _COMMON.get(piece.coding, _CODED)
        _look(known, piece.text, found, f" ({piece.coding})")
        for inner in encoded.pieces(piece.text) if piece.coding in _COMMON else ():
            found[f"text in {inner.coding} in {piece.coding}"] = _CODED
            _look(known, inner.text, found, f" ({inner.coding})")


def _look(known: tuple[Sign, ...], text: str, found: dict[str, float], where: str) -> None:
    for sign in known:
        if sign.name not in found and sign.stands_in(text):
            found[sign.name + where] = sign.weight
            if _together(found.values()) >= _CERTAIN:
                return


def _together(weights: Iterable[float]) -> float:
    """Independent signs: what is left of the doubt after each."""
    doubt = 1.0
    for weight in weights:
        doubt *= 1 - weight
    return round(1 - doubt, 3)
