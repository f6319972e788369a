"""The blocks of a Bedrock answer: which are open, under which index of ours, and what each becomes."""

import msgspec

from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Cited, Delta, Event, Kind, OpaqueSeen

NOTHING = msgspec.Raw(b"")


class Thought(msgspec.Struct, rename="camel", gc=False):
    """Of `reasoningContent` in a stream; whole answers have text and signature in `reasoningText`."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None
    reasoning_text: "Thought | None" = None


class ToolStart(msgspec.Struct, rename="camel", gc=False):
    """A call as it begins."""

    tool_use_id: str | None = None
    name: str | None = None
    type: str | None = None
    """server_tool_use: the provider itself makes the call."""


class _Source(msgspec.Struct, gc=False):
    text: str | None = None


class _Web(msgspec.Struct, gc=False):
    url: str | None = None


class _Location(msgspec.Struct):
    web: _Web | None = None


class _Citation(msgspec.Struct, rename="camel"):
    title: str | None = None
    source: str | None = None
    source_content: list[_Source] | None = None
    location: _Location | None = None


_citation = msgspec.json.Decoder(_Citation).decode


class _Block:
    __slots__ = ("empty", "index", "kind", "signature")

    def __init__(self, index: int, kind: Kind) -> None:
        self.index, self.kind, self.empty = index, kind, True
        self.signature: list[str] = []


class Blocks:
    """Open blocks by the provider's index; text and thoughts begin with their first piece, calls are announced."""

    __slots__ = ("_next", "_open", "called", "events")

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._next = 0
        self.events: list[Event] = []
        self.called = False
        """Whether the model wants a tool called."""

    def taken(self) -> list[Event]:
        """What was told since the last time."""
        events, self.events = self.events, []
        return events

    def begin_call(self, number: int, start: ToolStart) -> None:
        """A call begins; whatever was open under its number ends."""
        self.end(number)
        self.called = True
        block = self._open[number] = _Block(self._next, "tool_call")
        self._next += 1
        self.events.append(BlockStart(block.index, "tool_call", id=start.tool_use_id or "", name=start.name or ""))

    def arguments(self, number: int, text: str) -> bool:
        """More of a call's arguments; False where no call is open."""
        block = self._open.get(number)
        if block is None or block.kind != "tool_call":
            return False
        if text:
            block.empty = False
            self.events.append(Delta(block.index, text))
        return True

    def text(self, number: int, text: str) -> None:
        """More text; an empty piece begins nothing."""
        if text:
            self.events.append(Delta(self._of(number, "text").index, text))

    def think(self, number: int, thought: Thought) -> None:
        """More thoughts. A signature may come in pieces and is told at the block's end."""
        text, signature = thought.text, thought.signature
        if thought.reasoning_text is not None:
            text, signature = thought.reasoning_text.text, thought.reasoning_text.signature
        if text:
            self.events.append(Delta(self._of(number, "reasoning").index, text))
        if signature:
            self._of(number, "reasoning").signature.append(signature)
        if thought.redacted_content:
            state = Opaque("bedrock", "redacted", thought.redacted_content)
            self.events.append(OpaqueSeen(self._of(number, "reasoning").index, state))

    def cite(self, number: int, raw: msgspec.Raw) -> None:
        """A source of the text. Raises msgspec.ValidationError."""
        said = _citation(raw)
        web = said.location.web if said.location is not None else None
        quote = "".join(one.text or "" for one in said.source_content or ())
        url = (web.url if web is not None else None) or said.source or ""
        citation = Citation(url, said.title or "", quote, provider="bedrock", raw=bytes(raw))
        self.events.append(Cited(self._of(number, "text").index, citation))

    def _of(self, number: int, kind: Kind) -> _Block:
        """The open block of this number; one of another kind ends, and a new one begins."""
        block = self._open.get(number)
        if block is None or block.kind != kind:
            self.end(number)
            block = self._open[number] = _Block(self._next, kind)
            self._next += 1
            self.events.append(BlockStart(block.index, kind))
        return block

    def end(self, number: int) -> None:
        """The block of this number is whole, if there is one."""
        block = self._open.pop(number, None)
        if block is None:
            return
        if block.kind == "tool_call" and block.empty:
            self.events.append(Delta(block.index, "{}"))  # a call without arguments has an empty text here
        if block.signature:
            state = Opaque("bedrock", "signature", "".join(block.signature))
            self.events.append(OpaqueSeen(block.index, state))
        self.events.append(BlockEnd(block.index))

    def end_all(self) -> None:
        """Nothing more comes of any block."""
        for number in list(self._open):
            self.end(number)
