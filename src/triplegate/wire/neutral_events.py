"""The neutral model of a chat reply: one ordered list of events, and the answer they add up to (llm.md §2.2)."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.neutral import Citation, Opaque

Kind = Literal["text", "reasoning", "summary", "tool_call", "custom_tool_call", "refusal", "native"]
Reason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error", "stop_sequence"]
ErrorClass = Literal[
    "credential",
    "rate",
    "overload",
    "transient",
    "stall",
    "context_window",
    "content_policy",
    "model_missing",
    "client",
    "malformed",
]
"""What a provider's failure means (llm.md §5.1)."""


class Start(msgspec.Struct, frozen=True, gc=False):
    """The reply begins; once, before all else."""

    id: str = ""
    model: str = ""
    created: int = 0
    """Unix seconds; 0 when the provider does not say."""
    service_tier: str = ""


class BlockStart(msgspec.Struct, frozen=True, gc=False):
    """A block begins. Indexes are unique in the reply and grow in the order of beginning."""

    index: int
    kind: Kind
    choice: int = 0
    id: str = ""
    """Of a tool call, or of the provider's item."""
    name: str = ""
    """Of the tool; of the type of a native block."""
    provider: str = ""
    """Family of a native block."""


class Delta(msgspec.Struct, frozen=True, gc=False):
    """More of a block: text, thoughts, the raw text of a tool's arguments, or the raw JSON of a native block."""

    index: int
    text: str


class OpaqueSeen(msgspec.Struct, frozen=True, gc=False):
    """Opaque state of the block (a signature, encrypted reasoning, a thought signature), whole."""

    index: int
    opaque: Opaque


class Cited(msgspec.Struct, frozen=True, gc=False):
    """A source of the text block."""

    index: int
    citation: Citation


class Logprobs(msgspec.Struct, frozen=True, gc=False):
    """Log probabilities of the text just sent, in OpenAI's form: the JSON array of {token, logprob, bytes, top_…}."""

    index: int
    raw: bytes


class BlockEnd(msgspec.Struct, frozen=True, gc=False):
    """The block is whole."""

    index: int


class UsageSeen(msgspec.Struct, frozen=True, gc=False):
    """What was used so far; the last one counts (each replaces the one before, nothing is added up)."""

    usage: Usage


class Finish(msgspec.Struct, frozen=True, gc=False):
    """A choice ended, and why."""

    reason: Reason
    raw: str = ""
    """The provider's own word."""
    choice: int = 0
    sequence: str = ""
    """The stop sequence that was met, where the provider says it."""


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The provider failed, in a status or inside a 200 stream; nothing follows."""

    kind: ErrorClass
    message: str = ""
    status: int = 0
    """HTTP status the provider gave or means; 0 = none."""
    code: str = ""
    """The provider's own code or type."""
    wait: float | None = None
    """Seconds the provider asks to wait."""
    param: str = ""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Something of `provider`'s dialect that has no meaning here: dropped for other dialects, and counted."""

    provider: str
    raw: bytes


Event = Start | BlockStart | Delta | OpaqueSeen | Cited | Logprobs | BlockEnd | UsageSeen | Finish | Failed | Unknown

CONTENT = (Delta, OpaqueSeen)
"""Events that are content: from the first one on a reply can no longer be taken back. A `BlockStart` of a tool call
or native block is content, too; `is_content` says so."""


def is_content(event: Event) -> bool:
    """Whether a client that saw this event has seen a part of the answer."""
    if isinstance(event, Delta):
        return bool(event.text)
    if isinstance(event, BlockStart):
        return event.kind in ("tool_call", "custom_tool_call", "native")
    return isinstance(event, OpaqueSeen)


class Block(msgspec.Struct):
    """One block of a gathered answer."""

    index: int
    kind: Kind
    choice: int = 0
    id: str = ""
    name: str = ""
    provider: str = ""
    pieces: list[str] = []
    opaque: list[Opaque] = []
    citations: list[Citation] = []
    logprobs: list[bytes] = []
    ended: bool = False

    @property
    def text(self) -> str:
        """All of its deltas."""
        return "".join(self.pieces)


class Answer(msgspec.Struct):
    """What a list of events adds up to."""

    start: Start = Start()
    blocks: list[Block] = []
    finishes: dict[int, Finish] = {}
    """By choice."""
    usage: Usage | None = None
    failed: Failed | None = None
    unknown: int = 0
    """Events without a meaning here."""

    def of(self, choice: int) -> list[Block]:
        """The blocks of one choice, in order."""
        return [block for block in self.blocks if block.choice == choice]

    @property
    def choices(self) -> list[int]:
        """Every choice, ascending; at least 0."""
        return sorted({0} | set(self.finishes) | {block.choice for block in self.blocks})


def gather(events: Iterable[Event]) -> Answer:
    """The answer the events add up to; what was never said stays at its default."""
    answer = Answer()
    by_index: dict[int, Block] = {}
    for event in events:
        add(answer, by_index, event)
    return answer


def add(answer: Answer, by_index: dict[int, Block], event: Event) -> None:
    """Take one more event into `answer`; `by_index` holds its blocks. Raises KeyError for a block that never began."""
    match event:
        case Delta(index, text):
            by_index[index].pieces.append(text)
        case BlockStart(index, kind, choice, block_id, name, provider):
            by_index[index] = block = Block(index, kind, choice, block_id, name, provider)
            answer.blocks.append(block)
        case OpaqueSeen(index, opaque):
            by_index[index].opaque.append(opaque)
        case Cited(index, citation):
            by_index[index].citations.append(citation)
        case Logprobs(index, raw):
            by_index[index].logprobs.append(raw)
        case BlockEnd(index):
            by_index[index].ended = True
        case _:
            _add_rest(answer, event)


def _add_rest(answer: Answer, event: Event) -> None:
    match event:
        case Start():
            answer.start = event
        case UsageSeen(usage):
            answer.usage = usage
        case Finish():
            answer.finishes[event.choice] = event
        case Failed():
            answer.failed = answer.failed or event
        case Unknown():
            answer.unknown += 1
