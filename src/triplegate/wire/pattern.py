"""Regular expressions in linear time (RE2); the library is loaded when the first one is compiled."""

from typing import Any, Protocol

LONGEST = 1024
"""Characters of an expression."""
_MEMORY = 1 << 20


class Pattern(Protocol):
    """A compiled expression."""

    def fullmatch(self, text: Any, /) -> object | None:
        """Something when all of `text` (str, or bytes as UTF-8) fits, else None."""
        ...


def pattern(text: str) -> Pattern:
    """The expression compiled. Raises ValueError that says what is wrong with it."""
    import re2  # type: ignore[import-untyped]

    if len(text) > LONGEST:
        raise ValueError(f"must be at most {LONGEST} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled: Pattern = re2.compile(text, options)
    except re2.error as error:
        (said,) = error.args
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"not a regular expression (RE2): {words}") from None
    return compiled
