"""Texts with `{{variables}}`: read once, filled in once; what is filled in is never read again."""

import html
import re
from collections.abc import Mapping
from typing import Literal

from triplegate.wire.json_members import encode

Escape = Literal["none", "xml", "json"]
Pieces = tuple[str, ...]
"""Words and names in turn: the first and every other one after it are words."""
NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_VARIABLE = re.compile(r"\{\{[ \t]*(" + NAME + r")[ \t]*\}\}")


def read_template(text: str) -> Pieces:
    """The pieces of a template. Raises ValueError where `{{` begins no variable."""
    pieces = tuple(_VARIABLE.split(text))
    for words in pieces[::2]:
        at = words.find("{{")
        if at >= 0:
            raise ValueError(f"{{{{ begins a variable, such as {{{{name}}}}: {words[at : at + 40]!r}")
    return pieces


def names_of(pieces: Pieces) -> tuple[str, ...]:
    """The variables, each once, in order."""
    return tuple(dict.fromkeys(pieces[1::2]))


def filled(pieces: Pieces, values: Mapping[str, str]) -> str:
    """The text with the values where their names stand, whatever they hold."""
    return "".join([values[piece] if at % 2 else piece for at, piece in enumerate(pieces)])


def escaped(value: str, escape: Escape) -> str:
    """The value as it may stand between tags or in an attribute (xml), or between the quotes of JSON (json)."""
    if escape == "xml":
        return html.escape(value)
    return encode(value)[1:-1].decode() if escape == "json" else value
