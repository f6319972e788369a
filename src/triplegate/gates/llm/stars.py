"""Patterns of model names: one star stands for what a client writes there."""

import re

_STAR = re.compile(r"[A-Za-z0-9._:/@-]{0,128}")
"""What a star may stand for: what stands in the names of models, and no step up in a path."""


class Pattern:
    """A name with one star."""

    __slots__ = ("_after", "_before", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._before, _, self._after = text.partition("*")

    @property
    def strict(self) -> int:
        """How much of a name it fixes: the one that fixes more goes before."""
        return len(self.text)

    def star(self, name: str) -> str | None:
        """What the star stands for in `name`; None when it does not fit."""
        before, after = self._before, self._after
        if len(name) < len(before) + len(after) or not (name.startswith(before) and name.endswith(after)):
            return None
        star = name[len(before) : len(name) - len(after)]
        return star if _STAR.fullmatch(star) and ".." not in star else None

    def filled(self, star: str) -> str:
        """The name that it is with this star."""
        return self._before + star + self._after
