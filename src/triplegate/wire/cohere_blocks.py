"""The blocks of a Cohere answer, with the citations and log probabilities that belong to its text."""

from itertools import count
from typing import Literal

import msgspec

from triplegate.wire.neutral import Citation
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Cited, Delta, Event, Logprobs, Unknown


class Content(msgspec.Struct, gc=False):
    """A piece of text or of thoughts."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class Function(msgspec.Struct, gc=False):
    """What a call calls."""

    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, gc=False):
    """A call, or a part of one."""

    id: str | None = None
    function: Function | None = None


class _Document(msgspec.Struct, gc=False):
    id: str | None = None
    title: str | None = None
    url: str | None = None
    text: str | None = None
    snippet: str | None = None


class _Source(msgspec.Struct):
    id: str | None = None
    document: _Document | None = None
    tool_output: _Document | None = None


class Cite(msgspec.Struct):
    """Where a citation stands."""

    start: int | None = None
    end: int | None = None
    sources: list[_Source] | None = None
    content_index: int | None = None
    type: str | None = None


class _Logprob(msgspec.Struct):
    text: str | None = None
    logprobs: list[float] | None = None


read_citation = msgspec.json.Decoder(Cite).decode
_logprob = msgspec.json.Decoder(_Logprob).decode
_encode = msgspec.json.Encoder().encode
_NO_SOURCE = _Source()
_NO_DOCUMENT = _Document()


class Blocks:
    """The blocks of an answer; a text stays open until the next block, because its citations come behind it."""

    __slots__ = ("_indexes", "_kind", "_number", "events", "index")

    def __init__(self) -> None:
        self._indexes = count()
        self._kind = ""
        self._number = -1
        self.index = -1
        self.events: list[Event] = []

    def begin(self, kind: Literal["text", "reasoning", "tool_call"], number: int, call: ToolCall | None = None) -> None:
        """Open the block that Cohere numbers so, unless it is the open one."""
        if call is None and self.has_open(kind, number):
            return
        self.close()
        self._kind, self._number, self.index = kind, number, next(self._indexes)
        name = call.function.name if call is not None and call.function is not None else None
        call_id = call.id if call is not None else None
        self.events.append(BlockStart(self.index, kind, id=call_id or "", name=name or ""))

    def has_open(self, kind: str, number: int) -> bool:
        """Whether this is the open block."""
        return self._kind == kind and self._number == number

    def delta(self, text: str | None) -> None:
        """More of the open block."""
        if text:
            self.events.append(Delta(self.index, text))

    def close(self) -> None:
        """End the open block."""
        if self._kind:
            self.events.append(BlockEnd(self.index))
            self._kind = ""

    def cite(self, raw: bytes) -> None:
        """A citation of the open text; one of anything else has no place. Raises msgspec.DecodeError."""
        said = read_citation(raw)
        if self._kind != "text" or said.type not in (None, "TEXT_CONTENT"):
            self.events.append(Unknown("cohere", raw))
            return
        for source in said.sources or (_NO_SOURCE,):
            found = source.document or source.tool_output or _NO_DOCUMENT
            title, quote = found.title or source.id or "", found.text or found.snippet or ""
            citation = Citation(found.url or "", title, quote, said.start or 0, said.end or 0, "cohere", raw)
            self.events.append(Cited(self.index, citation))

    def weigh(self, raw: list[msgspec.Raw]) -> None:
        """Log probabilities of the open text, where a piece is one token. Raises msgspec.DecodeError."""
        pieces = [_logprob(one) for one in raw]
        tokens = [
            {"token": one.text, "logprob": one.logprobs[0], "bytes": list(one.text.encode()), "top_logprobs": []}
            for one in pieces
            if one.text and one.logprobs and len(one.logprobs) == 1
        ]
        if tokens and self._kind == "text":
            self.events.append(Logprobs(self.index, _encode(tokens)))

    def taken(self) -> list[Event]:
        """The events so far, once."""
        events, self.events = self.events, []
        return events
