"""Personal numbers and addresses: a pattern finds candidates, a checksum or a rule decides."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import msgspec

from triplegate.wire.pattern import compiled
from triplegate.wire.screening.spans import Span

_MEMORY = 4 << 20
_DIGITS = re.compile(r"\d(?:[ ./-]?\d){6,}")
_GROUP = re.compile(r"\d+")
_FEWEST = 7
_LETTER = re.compile(r"[^\W_]")
_SHORTEST_IBAN = 15


class Number(msgspec.Struct, frozen=True):
    """Numbers of so many digits, in groups or not, with a checksum."""

    digits: range
    module: str
    """Of python-stdnum."""
    first: str = "0123456789"


class Shape(msgspec.Struct, frozen=True):
    """What a pattern finds and a rule confirms."""

    pattern: str
    longest: int
    check: str = ""
    """A module of python-stdnum, or a rule of our own; empty = the pattern is enough."""
    spaced: bool = False


NUMBERS: Mapping[str, Number] = {
    "card": Number(range(13, 20), "luhn", "23456"),
    "de_idnr": Number(range(11, 12), "de.idnr"),
    "fr_nir": Number(range(15, 16), "fr.nir"),
    "nl_bsn": Number(range(9, 10), "nl.bsn"),
    "pl_pesel": Number(range(11, 12), "pl.pesel"),
    "br_cpf": Number(range(11, 12), "br.cpf"),
    "in_aadhaar": Number(range(12, 13), "in_.aadhaar"),
    "ch_ahv": Number(range(13, 14), "ch.ssn"),
    "gb_nhs": Number(range(10, 11), "gb.nhs"),
    "be_nn": Number(range(11, 12), "be.nn"),
    "ca_sin": Number(range(9, 10), "ca.sin"),
    "au_tfn": Number(range(8, 10), "au.tfn"),
}
SHAPES: Mapping[str, Shape] = {
    "email": Shape(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}", 346),
    "phone": Shape(
        r"\+[1-9][\d ()./-]{6,20}\d|\(\d{3}\) ?\d{3}[ .-]\d{4}\b|\b\d{3}[.-]\d{3}[.-]\d{4}\b", 24, "phone", spaced=True
    ),
    "iban": Shape(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", 46, "iban", spaced=True),
    "ip": Shape(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){2,7}\b", 40, "ip"),
    "us_ssn": Shape(r"\b\d{3}-\d{2}-\d{4}\b", 12, "us.ssn"),
    "es_dni": Shape(r"\b\d{8}-?[A-Za-z]\b", 11, "es.dni"),
    "es_nie": Shape(r"\b[XYZxyz]-?\d{7}-?[A-Za-z]\b", 12, "es.nie"),
    "it_cf": Shape(r"\b[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]\b", 17, "it.codicefiscale"),
    "fi_hetu": Shape(r"\b\d{6}[-+A]\d{3}[0-9A-Y]\b", 12, "fi.hetu"),
}
KINDS = (*SHAPES, *NUMBERS)
_LONGEST_NUMBER = 38


class Numbers:
    """Finds numbers of digits alone: every run of groups that has the right length and checksum."""

    dense = 0
    spaced = _LONGEST_NUMBER + 1

    def __init__(self, kinds: list[str]) -> None:
        self._known = [(kind, NUMBERS[kind], _valid(NUMBERS[kind].module)) for kind in kinds]
        self._most = max(number.digits.stop for _, number, _ in self._known)

    def __call__(self, text: str) -> Iterator[Span]:
        """All in `text`."""
        for run in _DIGITS.finditer(text):
            groups = [(group.start(), group.end()) for group in _GROUP.finditer(text, run.start(), run.end())]
            for first, (start, _) in enumerate(groups):
                if not _in_a_word(text, start - 1):
                    yield from self._from(text, groups[first:], start)

    def _from(self, text: str, groups: list[tuple[int, int]], start: int) -> Iterator[Span]:
        digits = ""
        for begun, end in groups:
            digits += text[begun:end]
            if len(digits) >= self._most:
                return
            if len(digits) < _FEWEST or _in_a_word(text, end):
                continue
            for kind, number, valid in self._known:
                if len(digits) in number.digits and digits[0] in number.first and digits.strip("0") and valid(digits):
                    yield Span(start, end, kind)
                    break


class Shaped:
    """Finds one kind by its pattern."""

    def __init__(self, kind: str) -> None:
        shape = SHAPES[kind]
        self._kind, self._pattern = kind, compiled(shape.pattern, _MEMORY)
        self._check = _RULES.get(shape.check) or _plain(_valid(shape.check) if shape.check else None)
        self.spaced = shape.longest + 1 if shape.spaced else 1
        self.dense = 1 if shape.spaced else shape.longest + 1

    def __call__(self, text: str) -> Iterator[Span]:
        """All in `text`."""
        for match in self._pattern.finditer(text):
            start, end = match.span()
            length = self._check(text[start:end])
            if length:
                yield Span(start, start + length, self._kind)


def finders(kinds: list[str]) -> list[Any]:
    """Those for these kinds. Loads the checksums that they need."""
    found: list[Any] = [Shaped(kind) for kind in kinds if kind in SHAPES]
    numbers = [kind for kind in kinds if kind in NUMBERS]
    return [*found, Numbers(numbers)] if numbers else found


def _valid(module: str) -> Callable[[str], bool]:
    return import_module(f"stdnum.{module}").is_valid  # type: ignore[no-any-return]  # every module of its has one


def _in_a_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and _LETTER.match(text[at]) is not None


def _plain(valid: Callable[[str], bool] | None) -> Callable[[str], int]:
    return lambda piece: len(piece) if valid is None or valid(piece) else 0


def _phone(piece: str) -> int:
    digits = sum([one.isdigit() for one in piece])
    return len(piece) if 8 <= digits <= 15 and not piece[1:].count("+") else 0


def _iban(piece: str) -> int:
    """How much of it is one: what stands behind an IBAN may look like more of it."""
    valid = _valid("iban")
    for end in range(len(piece), _SHORTEST_IBAN - 1, -1):
        if piece[end - 1] != " " and valid(piece[:end]):
            return end
    return 0


def _ip(piece: str) -> int:
    try:
        ipaddress.ip_address(piece)
    except ValueError:
        return 0
    return len(piece)


_RULES: Mapping[str, Callable[[str], int]] = {"phone": _phone, "iban": _iban, "ip": _ip}
