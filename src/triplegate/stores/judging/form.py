"""The judge of an answer's form: it must be JSON that fits a schema."""

import asyncio

from triplegate.wire.schemas import Schema, broken_rule
from triplegate.wire.screening.holding import Find, Spoken, Where

LONGEST = 2.0
"""Seconds that an answer may take to be compared; what takes longer fits nothing."""
_ASIDE = 65_536
"""Characters from which on it is compared beside the loop."""
_LARGEST = 1_048_576
"""Characters of an answer that may fit."""


class Form:
    """Holds each choice of an answer against a schema."""

    __slots__ = ("_schema", "_textless", "where")

    def __init__(self, schema: Schema, *, textless: bool) -> None:
        """`textless`: choices that say nothing, but call tools or are the model's refusal, may pass."""
        self.where: frozenset[Where] = frozenset({"output"})
        self._schema, self._textless = schema, textless

    async def __call__(self, spoken: Spoken) -> Find | None:
        """Which rule is broken."""
        text = "".join(spoken.texts)
        if self._textless and not text.strip() and (spoken.calls or spoken.refuses):
            return None
        why = await self._why_not(text)
        return Find("json_schema", f"The answer does not fit the schema: {why}.") if why else None

    async def _why_not(self, text: str) -> str:
        validator = self._schema.validator
        if validator is None:
            return f"the schema cannot be used: {self._schema.broken}"
        if len(text) > _LARGEST:
            return "it is too large"
        raw = text.encode("utf-8", "replace")
        if len(raw) < _ASIDE:
            return broken_rule(validator, raw)
        try:
            async with asyncio.timeout(LONGEST):
                return await asyncio.to_thread(broken_rule, validator, raw)
        except TimeoutError:
            return "it takes too long to compare"
