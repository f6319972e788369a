"""URI templates (RFC 6570) read backwards: whether a URI may come from one."""

import re
from collections.abc import Callable

from triplegate.wire.pattern import LONGEST, pattern

_EXPRESSION = re.compile(r"\{([+#./;?&]?)[^{}]+\}")
_FITS = {
    "": "[^/?#]+",
    "+": ".+",
    "#": "(?:#.*)?",
    ".": r"(?:\.[^/?#]*)?",
    "/": "(?:/[^?#]*)?",
    ";": "(?:;[^/?#]*)?",
    "?": r"(?:\?[^#]*)?",
    "&": "(?:&[^#]*)?",
}
"""What an expression may become, by its operator."""


def matcher(template: str) -> Callable[[str], bool]:
    """Whether a URI fits `template` as a whole; nothing fits what is no template, or one that is too long."""
    parts: list[str] = []
    position = 0
    for found in _EXPRESSION.finditer(template):
        parts += (re.escape(template[position : found.start()]), _FITS[found[1]])
        position = found.end()
    parts.append(re.escape(template[position:]))
    expression = "".join(parts)
    if not position or len(expression) > LONGEST or "{" in _EXPRESSION.sub("", template):
        return _nothing
    try:
        fits = pattern(expression).fullmatch
    except ValueError:
        return _nothing
    return lambda uri: fits(uri) is not None


def _nothing(_: str) -> bool:
    return False
