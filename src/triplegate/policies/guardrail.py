"""Look at what models are told and what they answer: block, mask or note personal data, secrets, words, injections."""

import asyncio
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, model_validator

from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.judging.form import Form
from triplegate.stores.judging.tongue import Tongue
from triplegate.wire.pattern import pattern
from triplegate.wire.schemas import Schema, compiled
from triplegate.wire.screening import languages
from triplegate.wire.screening.guard import Kind, Terms
from triplegate.wire.screening.holding import Judge, Where
from triplegate.wire.screening.tools import ToolGuard

_ON_LOOP = 65_536
"""Bytes of a call up to which it is looked at at once: some milliseconds."""
_READ_ON_LOOP = 4096
"""The same where it is read for injections."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Example = Annotated[str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True)]


class Topic(BaseModel):
    """A topic, by what is said about it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Word
    """What it is called: refusals and records say it."""
    examples: Annotated[tuple[Example, ...], Field(min_length=1, max_length=64)]
    """Sentences that are on it; some of different wording tell it best."""


class TopicRules(BaseModel):
    """What may be spoken of, or must not."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    deny: Annotated[tuple[Topic, ...], Field(max_length=32)] = ()
    """No piece of a text may be on one of these."""
    allow: Annotated[tuple[Topic, ...], Field(max_length=32)] = ()
    """A text of three words or more must be on one of these."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.4
    """Likeness (cosine) with an example from which on a piece is on its topic."""
    embedder: Literal["auto", "sentence-transformers", "onnx", "static"] = "static"
    """What texts are compared with: `static` is quick and knows words only, the others know meanings."""
    model: str = ""
    """Name or path of the embedding model; the packaged one by default."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.deny or self.allow):
            raise ValueError("topics are denied or allowed: say deny or allow")
        return self


class Guardrail(Policy):
    """Block, mask or note what must not be said: in calls, in answers and in what tools answered.

    The whole call is looked at, every message of it; on the mcp gate what tools are given and all that servers say.
    Answers are looked at while they stream: what could still become a find is held back, so that nothing of it is
    ever sent. A call or answer that cannot be looked at is refused.
    """

    use: Literal["guardrail"] = "guardrail"
    stage: ClassVar = Stage.SCREEN
    gates: ClassVar = frozenset({"llm", "mcp"})
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
    json_schema: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    """What an answer says must be JSON that fits this schema; it is held until all of it is there."""
    textless: Literal["pass", "block"] = "pass"
    """With `json_schema`: what becomes of answers that say nothing, but call tools or are the model's refusal."""
    languages: Annotated[tuple[Language, ...], Field(max_length=64)] = ()
    """Languages (ISO 639) that users and answers may speak."""
    undetermined: Literal["pass", "block"] = "pass"
    """With `languages`: what becomes of texts whose language cannot be told: short or mixed ones, code."""
    topics: TopicRules | None = None
    """What users and answers may speak of, or must not."""
    blobs: Literal["refuse", "pass"] = "refuse"
    """On the mcp gate: what becomes of pictures, sound and files that are no text, where a guard blocks or masks."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        spans = self._spans
        judged = bool(self.json_schema or self.languages or self.topics)
        if not (spans or self.injection or judged):
            raise ValueError(
                "a guardrail looks for something: say pii, secrets, words, patterns, injection, longest, json_schema,"
                " languages or topics"
            )
        if self.reversible and self.action != "mask":
            raise ValueError("reversible needs action: mask")
        self._check_places(spans or judged)
        for one in self.patterns:
            pattern(one)
        if self.json_schema is not None and self.schema_made.broken:
            raise ValueError(f"json_schema cannot be used: {self.schema_made.broken}")
        if self.languages and not languages.installed():
            raise ValueError(f"languages need the package {languages.LIBRARY}, which is not installed")
        for name in self.languages:
            languages.one_of(name)
        return self

    def _check_places(self, answers: bool) -> None:
        """Everything that is looked for must have its place. Raises ValueError."""
        places = set(self.on)
        if places == {"output"} and not answers:
            raise ValueError("injection is looked for in input and tool_results, not in output")
        if self.json_schema is not None and "output" not in places:
            raise ValueError("json_schema is for answers: on must have output")
        if (self.languages or self.topics) and places == {"tool_results"}:
            raise ValueError("languages and topics are looked for in input and output, not in tool_results")

    @cached_property
    def schema_made(self) -> Schema:
        """The schema of answers, compiled once."""
        return compiled(msgspec.json.encode(self.json_schema))

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
            self.blobs,
        )

    def strange_on(self, gate: str) -> str:
        """What is judged as a whole are calls and answers of models."""
        if gate == "mcp" and (self.json_schema or self.languages or self.topics):
            return "with json_schema, languages or topics only on llm"
        return super().strange_on(gate)

    def holds_on(self, gate: str) -> bool:
        """Of a plan's or team's guard holds for tools what does not judge as a whole."""
        return bool(gate != "mcp" or self._spans or self.injection)

    @property
    def _spans(self) -> bool:
        return bool(self.pii or self.secrets or self.words or self.patterns or self.longest)

    def status(self, kit: Kit) -> str:
        """Which embedding model is missing."""
        if self.topics is None:
            return ""
        from triplegate.stores.semantic.making import missing

        return missing(self.topics.embedder, kit.base, self.topics.model)

    def prepare(self, kit: Kit) -> None:
        """Have the embedding model of its topics."""
        if self.topics is not None:
            from triplegate.stores.semantic.making import embedder_of

            embedder_of(kit, self.topics.embedder, self.topics.model)

    def _judges(self, kit: Kit) -> list[Judge]:
        """Those who judge calls and answers as a whole."""
        found: list[Judge] = []
        where: frozenset[Where] = frozenset([one for one in self.on if one != "tool_results"])
        if self.json_schema is not None:
            found.append(Form(self.schema_made, textless=self.textless == "pass"))
        if self.languages:
            found.append(Tongue(self.languages, where, strict=self.undetermined == "block"))
        if self.topics is not None:
            found.append(_topics(kit, self.topics, where, self.label))
        return found

    def build(self, kit: Kit) -> Step:
        """Look at the call, then at its answer."""
        guard = ToolGuard(self.terms, [] if kit.offline else self._judges(kit))

        most = _ON_LOOP if self.injection is None else _READ_ON_LOOP

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            tools = exchange.gate.name == "mcp"
            enter = guard.enter_tools if tools else guard.enter
            if exchange.call is not None and exchange.call.size > most:
                await asyncio.to_thread(enter, exchange)
            else:
                enter(exchange)
            if guard.hears and not tools:
                await guard.hear(exchange)
            return await proceed(exchange)

        return step


def _topics(kit: Kit, rules: TopicRules, where: frozenset[Where], label: str) -> Judge:
    """The judge of topics: its examples are embedded once, whatever chains it stands in."""
    from triplegate.stores.judging.topics import Topic as Known
    from triplegate.stores.judging.topics import Topics
    from triplegate.stores.semantic.making import embedder_of

    embedder = embedder_of(kit, rules.embedder, rules.model)
    assert embedder is not None  # else `status` has said so
    deny, allow = ([Known(one.name, one.examples) for one in topics] for topics in (rules.deny, rules.allow))
    made = Topics(embedder, deny, allow, rules.threshold, where, label)
    return kit.state(Topics, f"{label}:{sorted(where)}:{rules.model_dump_json()}", lambda: made)
