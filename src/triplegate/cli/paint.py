"""Colour for people at a terminal; none in a pipe, on a dumb terminal, or with NO_COLOR."""

import os
from typing import Literal, TextIO

Style = Literal["bold", "dim", "red", "green", "yellow"]
_CODES: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def coloured(stream: TextIO) -> bool:
    """Whether whoever reads `stream` sees colours (https://no-color.org: any value but an empty one says no)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: Style, stream: TextIO) -> str:
    """The text in that style, if `stream` shows colours; else the text."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text and coloured(stream) else text
