"""Regular expressions in linear time (RE2); the library is loaded when the first one is compiled."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

LONGEST = 1024
"""Characters of an expression."""
_MEMORY = 1 << 20
MEMORY_OF_SIGNS = 8 << 20
"""Bytes of one expression's states, where expressions are our own and many repeat things."""
_PLAIN = re.compile(r"(?:[A-Za-z0-9_/~!&',=:@%-]|\\[./~-])*")
"""What stands for itself in an expression."""
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()|]", re.DOTALL)
"""What tells how deep in groups a bar stands: escapes and classes hide theirs."""


class Pattern(Protocol):
    """A compiled expression."""

    def fullmatch(self, text: Any, /) -> object | None:
        """Something when all of `text` (str, or bytes as UTF-8) fits, else None."""
        ...

    def search(self, text: Any, /) -> Any:
        """The first match within `text`, else None."""
        ...

    def finditer(self, text: Any, /) -> Iterator[Any]:
        """Every match within `text`."""
        ...


def pattern(text: str) -> Pattern:
    """The expression compiled. Raises ValueError that says what is wrong with it."""
    if len(text) > LONGEST:
        raise ValueError(f"must be at most {LONGEST} characters")
    return compiled(text, _MEMORY)


def compiled(text: str, memory: int, *, cased: bool = True) -> Pattern:
    """The expression compiled, whatever its length. Raises ValueError that says what is wrong with it."""
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    options.case_sensitive = cased
    try:
        found: Pattern = re2.compile(text, options)
    except re2.error as error:
        (said,) = error.args
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"not a regular expression (RE2): {words}") from None
    return found


def leading_elements(text: str) -> list[str]:
    """Path elements that every path which fits the expression begins with; fewer than there are, where in doubt."""
    found = _PLAIN.match(text)
    literal = "" if found is None else found[0]
    if text[len(literal) : len(literal) + 1] in tuple("*?{+"):
        literal = literal[: -2 if literal[-2:-1] == "\\" else -1]
    if literal[:1] != "/" or "\\Q" in text or _alternates(text):
        return []
    elements = literal[: literal.rfind("/")].replace("\\", "").split("/")[1:]
    return elements if all(elements) else []


def _alternates(text: str) -> bool:
    """Whether the expression is several, divided by bars outside of groups."""
    depth = 0
    for found in _TOKEN.findall(text):
        if found == "|" and depth == 0:
            return True
        depth += {"(": 1, ")": -1}.get(found, 0)
    return False
