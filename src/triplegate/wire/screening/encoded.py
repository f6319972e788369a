"""Text within text: base64, base32, base85, hexadecimal, ROT13, uuencode and quoted-printable, decoded."""

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Callable

import msgspec

_MOST = 8
"""Pieces of one text that are decoded."""
_LONGEST = 8192
_LEAST = 8
"""Characters that a decoded piece has at least."""
_PLAIN = frozenset(b"\t\n\r") | frozenset(range(32, 127))
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,6}")
_BYTES = re.compile(r"(?:\b(?:0x|\\x)?[0-9A-Fa-f]{2}\b[ :,]?){10,}|(?:\\x[0-9A-Fa-f]{2}){8,}")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2}[^=\n]{0,3}){6,}")
_UU = re.compile(r"(?:^|(?<=[:?] ))[!-M][ -`]{12,60}$", re.MULTILINE)
_DENSE = re.compile(r"[!-~]{15,}")
_SPECIAL = re.compile(r"[^A-Za-z0-9+/=_.:-]")
_WORD = re.compile(r"[a-z]{3,}")


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One decoded piece."""

    coding: str
    text: str


def pieces(text: str) -> list[Piece]:
    """What can be decoded of `text` and is text then."""
    text = text[:_LONGEST]
    found: list[Piece] = []
    for run in _RUN.findall(text)[: 4 * _MOST]:
        found += _of_run(run)
    for coding, pattern, decode in _CODINGS:
        found += _decoded(coding, pattern.findall(text)[:_MOST], decode)
    for one in _special(text)[:_MOST]:
        found += _decoded("ascii85", [one.removeprefix("<~").removesuffix("~>")], base64.a85decode)
        found += _decoded("base85", [one], base64.b85decode)
    rotated = _rotated(text)
    return (found + rotated)[:_MOST]


def dense(text: str) -> bool:
    """Whether `text` may hold a coding without spaces."""
    return bool(_RUN.search(text) or _QUOTED.search(text) or _special(text))


def _special(text: str) -> list[str]:
    return [one for one in _DENSE.findall(text) if _SPECIAL.search(one) and "://" not in one]


def loose(text: str) -> bool:
    """Whether `text` may hold a coding that has spaces in it, or words that are turned or mirrored."""
    return bool(_BYTES.search(text) or any(map(_is_uu, _UU.findall(text))) or _rotated(text))


def _of_run(run: str) -> list[Piece]:
    """A run of letters and digits: the narrowest alphabet that it fits first."""
    bare = run.rstrip("=")
    if len(bare) % 2 == 0 and all(one in "0123456789abcdefABCDEF" for one in bare):
        return _decoded("hexadecimal", [bare], bytes.fromhex)
    if bare.isupper() and not set(bare) - _THIRTY_TWO and (found := _decoded("base32", [bare], _base32)):
        return found
    return _decoded("base64", [bare], _base64)


def _decoded(coding: str, matches: list[str], decode: Callable[[str], bytes]) -> list[Piece]:
    found = []
    for match in matches:
        try:
            plain = decode(match)
        except (ValueError, binascii.Error):
            continue
        if len(plain) >= _LEAST and sum([one in _PLAIN for one in plain]) >= 0.93 * len(plain):
            found.append(Piece(coding, plain.decode("utf-8", "replace")))
    return found


_THIRTY_TWO = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _base64(bare: str) -> bytes:
    plain = bare.replace("-", "+").replace("_", "/")
    if plain.isalpha() and (plain.islower() or plain.isupper()):
        raise ValueError("a word")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _base32(bare: str) -> bytes:
    return base64.b32decode(bare + "=" * (-len(bare) % 8))


def _bytes(match: str) -> bytes:
    return bytes.fromhex(re.sub(r"0x|\\x|[ :,]", "", match))


def _uu(line: str) -> bytes:
    if not _is_uu(line):
        raise ValueError("of another length")
    return binascii.a2b_uu(line[: _told(line) + 1])


def _is_uu(line: str) -> bool:
    """A line says how long it is: what does not fit is no such line."""
    return _told(line) - 3 <= len(line.rstrip()) - 1 <= _told(line) + 1


def _told(line: str) -> int:
    """Its characters."""
    return (ord(line[0]) - 30) // 3 * 4


_CODINGS: tuple[tuple[str, re.Pattern[str], Callable[[str], bytes]], ...] = (
    ("hexadecimal", _BYTES, _bytes),
    ("quoted-printable", _QUOTED, lambda match: quopri.decodestring(match.encode("ascii", "ignore"))),
    ("uuencode", _UU, _uu),
)
_TURNED = frozenset(
    codecs.encode(
        (
            "the and you that this with have not are for your can other from what how all any was but like want would"
            " cannot print please tell ignore disregard forget instructions instruction previous prompt system reveal"
            " pretend script javascript alert onerror expression"
        ),
        "rot13",
    ).split()
)
_MIRRORED = frozenset(word[::-1] for word in ("ignore", "instructions", "previous", "prompt", "system", "disregard"))


def _rotated(text: str) -> list[Piece]:
    """The text turned by thirteen letters, or read backwards, where its words then make sense."""
    words = set(_WORD.findall(text.lower()))
    found = []
    if len(words & _TURNED) >= 2:
        found.append(Piece("rot13", codecs.decode(text, "rot13")))
    if len(words & _MIRRORED) >= 2:
        found.append(Piece("reversed letters", text[::-1]))
    return found
