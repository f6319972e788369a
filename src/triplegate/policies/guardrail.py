"""Look at what models are told and what they answer: block, mask or note personal data, secrets, words, injections."""

import asyncio
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, StringConstraints, model_validator

from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.pattern import pattern
from triplegate.wire.screening.guard import Guard, Kind, Terms

_ON_LOOP = 65_536
"""Bytes of a call up to which it is looked at at once: some milliseconds."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]


class Guardrail(Policy):
    """Block, mask or note what must not be said: in calls, in answers and in what tools answered.

    The whole call is looked at, every message of it. Answers are looked at while they stream: what could still become
    a find is held back, so that nothing of it is ever sent. A call or answer that cannot be looked at is refused.
    """

    use: Literal["guardrail"] = "guardrail"
    stage: ClassVar = Stage.SCREEN
    gates: ClassVar = frozenset({"llm"})
    security: ClassVar = True
    reads_call: ClassVar = "whole"
    reads_reply: ClassVar = "events"
    on: Annotated[tuple[Literal["input", "output", "tool_results"], ...], Field(min_length=1)] = (
        "input",
        "output",
        "tool_results",
    )
    """Where to look: what is asked, what is answered, what tools answered."""
    action: Literal["block", "mask", "annotate"] = "block"
    """Refuse; put `<EMAIL_1>` in its place; or only say so, in X-Triplegate-Guard and the record."""
    reversible: bool = False
    """With `mask`: where the answer has a placeholder of the call, its caller gets the piece that was masked."""
    pii: Annotated[tuple[Kind, ...], Field(max_length=32)] = ()
    """Personal data, each with its pattern and checksum."""
    secrets: bool = False
    """Keys, tokens and passwords: by how they begin, or by what stands before them and how random they look."""
    words: Annotated[tuple[Word, ...], Field(max_length=10_000)] = ()
    """Words and phrases, whole and whatever their case."""
    patterns: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Regular expressions (RE2)."""
    span: Annotated[int, Field(ge=8, le=4096)] = 256
    """Characters of the longest match of `patterns`: a streamed answer stays so far behind."""
    injection: Annotated[float, Field(gt=0, le=1)] | None = None
    """Score from which on a text of a call counts as an attack on its instructions; 0.6 suits most."""
    longest: PositiveInt | None = None
    """Characters of all texts of a call, and of an answer."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.pii or self.secrets or self.words or self.patterns or self.injection or self.longest):
            raise ValueError("a guardrail looks for something: say pii, secrets, words, patterns, injection or longest")
        if self.reversible and self.action != "mask":
            raise ValueError("reversible needs action: mask")
        others = self.pii or self.secrets or self.words or self.patterns or self.longest
        if set(self.on) == {"output"} and not others:
            raise ValueError("injection is looked for in input and tool_results, not in output")
        for one in self.patterns:
            pattern(one)
        return self

    @property
    def terms(self) -> Terms:
        """What is said, as the guard reads it."""
        return Terms(
            self.label,
            frozenset(self.on),
            self.action if self.mode == "enforce" else "observe",
            self.reversible,
            self.pii,
            self.secrets,
            self.words,
            self.patterns,
            self.span,
            self.injection or 0.0,
            self.longest or 0,
        )

    def build(self, kit: Kit) -> Step:
        """Look at the call, then at its answer."""
        guard = Guard(self.terms)

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            if exchange.call is not None and exchange.call.size > _ON_LOOP:
                await asyncio.to_thread(guard.enter, exchange)
            else:
                guard.enter(exchange)
            return await proceed(exchange)

        return step
