"""Keys, tokens and passwords: known by how they begin, or by what stands before them and how random they look."""

import math
import re
from collections import Counter
from collections.abc import Iterator

from triplegate.wire.pattern import compiled
from triplegate.wire.screening.spans import Span

_MEMORY = 8 << 20
_KNOWN = (
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,251}"
    r"|\bgithub_pat_[A-Za-z0-9_]{22,251}"
    r"|\bsk-[A-Za-z0-9_-]{20,200}"
    r"|\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,200}"
    r"|\bwhsec_[A-Za-z0-9+/=]{24,100}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,200}"
    r"|\bxapp-\d-[A-Za-z0-9-]{10,200}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bya29\.[A-Za-z0-9_-]{20,200}"
    r"|\bglpat-[A-Za-z0-9_-]{20,100}"
    r"|\bnpm_[A-Za-z0-9]{36}"
    r"|\bpypi-[A-Za-z0-9_-]{50,250}"
    r"|\bhf_[A-Za-z0-9]{30,60}"
    r"|\bdop_v1_[a-f0-9]{64}"
    r"|\bSG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,64}"
    r"|\beyJ[A-Za-z0-9_-]{8,500}\.eyJ[A-Za-z0-9_-]{8,900}\.[A-Za-z0-9_-]{8,700}"
    r"|\btg_[a-z]{1,12}_[A-Za-z0-9]{6,40}_[A-Za-z0-9]{20,80}"
    r"|\b[a-z][a-z0-9+]{1,12}://[^\s:/@]{1,64}:[^\s:/@]{3,128}@"
)
_PRIVATE = (
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-[^-])*"
    r"(?:-{1,5}END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
)
_NAMED = (
    r"(?:key|secret|token|passw(?:or)?d|passwort|passphrase|pwd|credentials?)[\"']?\s{0,2}(?:=>|:=|[:=]|\bis\b)\s{0,2}[\"'`]?"
    r"([^\s\"'`<>,;(){}\[\]]{8,256})"
)
_RANDOM = 3.0
"""Bits a character that a value has where it is no word."""


_NAMES = re.compile(
    r"(?i)(?:passw(?:or)?d|passwort|passphrase|pwd|secrets?|credentials?"
    r"|(?:api|access|account|auth|bearer|client|encryption|private|refresh|secret|session|signing)[_ -]?(?:key|token))$"
)
"""Names of members whose values are secrets; a `key` or `token` alone is more often the name of something."""


def named(name: str, value: str) -> bool:
    """Whether `value`, a member of that name, is one."""
    return 8 <= len(value) <= 256 and not value.isalpha() and bool(_NAMES.search(name)) and random(value)


class Secrets:
    """Finds them."""

    spaced = 96
    dense = 2200

    def __init__(self) -> None:
        self._whole = compiled(f"{_KNOWN}|{_PRIVATE}", _MEMORY)
        self._named = compiled(_NAMED, _MEMORY, cased=False)

    def __call__(self, text: str) -> Iterator[Span]:
        """All in `text`."""
        for match in self._whole.finditer(text):
            yield Span(match.start(), match.end(), "secret")
        for match in self._named.finditer(text):
            if random(match.group(1)):
                yield Span(match.start(1), match.end(1), "secret")


def random(value: str) -> bool:
    """Whether a value looks like nobody's word: letters and digits, or signs, with many different ones."""
    kinds = sum([any(map(kind, value)) for kind in (str.islower, str.isupper, str.isdigit, _is_sign)])
    if kinds < 2 or value.endswith((".", ":")):
        return False
    bits = -sum([count / len(value) * math.log2(count / len(value)) for count in Counter(value).values()])
    return bits >= _RANDOM or (kinds >= 3 and bits >= _RANDOM - 0.5)


def _is_sign(character: str) -> bool:
    return not character.isalnum() and character not in "._-/"
