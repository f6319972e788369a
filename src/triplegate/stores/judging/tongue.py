"""The judge of languages: those that may be spoken, in calls and in answers."""

import asyncio
from collections.abc import Sequence

from triplegate.wire.screening.holding import Find, Spoken, Where
from triplegate.wire.screening.languages import Teller, Told, one_of

_ASIDE = 16_384
"""Characters from which on languages are told beside the loop: some milliseconds."""


class Tongue:
    """Says which text is in a language that is not allowed, or, where that is asked, in none that can be told."""

    __slots__ = ("_allowed", "_strict", "_tell", "where")

    def __init__(self, allowed: Sequence[str], where: frozenset[Where], *, strict: bool) -> None:
        """`strict`: a text whose language cannot be told must not pass either."""
        self._allowed = frozenset([one_of(name) for name in allowed])
        self._tell = Teller()
        self._strict, self.where = strict, where

    async def __call__(self, spoken: Spoken) -> Find | None:
        """The first text that must not pass."""
        if sum([len(text) for text in spoken.texts]) > _ASIDE:
            return await asyncio.to_thread(self._first, spoken.texts)
        return self._first(spoken.texts)

    def _first(self, texts: Sequence[str]) -> Find | None:
        for text in texts:
            if text.strip() and (why := self._why_not(self._tell(text))):
                return Find("language", why)
        return None

    def _why_not(self, told: Told) -> str:
        allowed = self._allowed
        if told.language:
            return "" if told.language in allowed else f"It is in a language that is not allowed: {told.language}."
        if told.others and not told.others & allowed:
            return f"It is in languages that are not allowed: {', '.join(sorted(told.others))}."
        return "Its language cannot be told." if self._strict else ""
