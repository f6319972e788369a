"""Output items of a Responses answer: their deltas and their whole forms become blocks."""

from collections.abc import Iterator

import msgspec

from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Cited, Delta, Event, Kind, Logprobs, OpaqueSeen
from triplegate.wire.responses_items import FAMILY

NOTHING = msgspec.Raw(b"")
_NOT_SAID = frozenset({b"", b"null", b"[]"})


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[msgspec.Raw] | None = None
    logprobs: msgspec.Raw = NOTHING


class _Item(msgspec.Struct):
    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None


class _Kind(msgspec.Struct, gc=False):
    type: str = ""


class _Source(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


_kind = msgspec.json.Decoder(_Kind).decode
_item = msgspec.json.Decoder(_Item).decode
_source = msgspec.json.Decoder(_Source).decode
_CALLS: dict[str, Kind] = {"function_call": "tool_call", "custom_tool_call": "custom_tool_call"}


class Output:
    """All items of one response, by place."""

    __slots__ = ("_indexes", "_items", "calls", "natives", "refused")

    def __init__(self, indexes: Iterator[int]) -> None:
        self._indexes = indexes
        self._items: dict[int, Item] = {}
        self.calls = 0
        self.natives: list[str] = []
        """Types of items that only this dialect knows."""
        self.refused = False

    def item(self, place: int) -> "Item":
        """The item at `place`, whether it was announced or not."""
        found = self._items.get(place)
        if found is None:
            found = self._items[place] = Item(self)
        return found

    def block(self) -> int:
        """The index of the next block."""
        return next(self._indexes)

    def end(self, events: list[Event]) -> None:
        """Every block that is open ends."""
        for item in self._items.values():
            item.end(events)


class Item:
    """One item on its way."""

    __slots__ = ("_call", "_cited", "_done", "_id", "_keys", "_open", "_output", "_said", "_weighed")

    def __init__(self, output: Output) -> None:
        self._output = output
        self._id = ""
        self._keys: dict[tuple[str, int], int] = {}
        """Block by kind and place of the part; parts of thoughts share one."""
        self._said: dict[tuple[str, int], list[str]] = {}
        self._open: list[int] = []
        self._cited: dict[int, int] = {}
        self._weighed = self._done = False
        self._call = -1

    def begin(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """The item is announced."""
        said = _item(raw) if _kind(raw).type in ("message", "reasoning", *_CALLS) else _Item()
        self._id = said.id or ""
        kind = _CALLS.get(said.type)
        if kind is not None:
            self._start_call(kind, said, events)
            self.call((said.arguments if kind == "tool_call" else said.input) or "", events)

    def _start_call(self, kind: Kind, said: _Item, events: list[Event]) -> None:
        self._output.calls += 1
        self._call = self._start(kind, 0, events, said.call_id or said.id or "", said.name or "")

    def _start(self, kind: Kind, place: int, events: list[Event], block_id: str = "", name: str = "") -> int:
        index = self._keys[kind, place] = self._output.block()
        self._open.append(index)
        events.append(BlockStart(index, kind, 0, block_id, name))
        return index

    def _block(self, kind: Kind, place: int, events: list[Event]) -> int:
        shared = 0 if kind in ("summary", "reasoning") else place
        index = self._keys.get((kind, shared))
        return self._start(kind, shared, events, self._id) if index is None else index

    def more(self, kind: Kind, place: int, text: str, events: list[Event]) -> None:
        """More of a part."""
        if not text:
            return
        if kind == "refusal":
            self._output.refused = True
        index = self._block(kind, place, events)
        before = self._said.get((kind, place))
        if before is None and kind == "summary" and place:
            events.append(Delta(index, "\n\n"))
        if before is None:
            before = self._said[kind, place] = []
        before.append(text)
        events.append(Delta(index, text))

    def rest(self, kind: Kind, place: int, text: str, events: list[Event]) -> None:
        """A part is whole: what its deltas did not say is said now."""
        before = "".join(self._said.get((kind, place), ()))
        if text.startswith(before):
            self.more(kind, place, text[len(before) :], events)

    def text(self, place: int, text: str, weights: msgspec.Raw, events: list[Event]) -> None:
        """More text, possibly weighed."""
        self.more("text", place, text, events)
        if bytes(weights) not in _NOT_SAID:
            self._weighed = True
            events.append(Logprobs(self._block("text", place, events), bytes(weights)))

    def cite(self, place: int, raw: msgspec.Raw, events: list[Event]) -> None:
        """A source of the text."""
        self._cited[place] = self._cited.get(place, 0) + 1
        said = _source(raw)
        citation = Citation(
            said.url or "", said.title or "", "", said.start_index or 0, said.end_index or 0, FAMILY, bytes(raw)
        )
        events.append(Cited(self._block("text", place, events), citation))

    def call(self, text: str, events: list[Event]) -> None:
        """More arguments."""
        if text and self._call >= 0:
            self._said.setdefault(("tool_call", 0), []).append(text)
            events.append(Delta(self._call, text))

    def called(self, text: str, events: list[Event]) -> None:
        """Arguments are whole."""
        before = "".join(self._said.get(("tool_call", 0), ()))
        if text.startswith(before):
            self.call(text[len(before) :], events)

    def whole(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """The item is done; it may be told twice, by its own event and by the response."""
        if self._done:
            return
        self._done = True
        kind = _kind(raw).type
        if kind == "message":
            self._whole_message(_item(raw), events)
        elif kind == "reasoning":
            self._whole_reasoning(_item(raw), events)
        elif kind in _CALLS:
            said = _item(raw)
            if self._call < 0:
                self._start_call(_CALLS[kind], said, events)
            self.called((said.arguments if kind == "function_call" else said.input) or "", events)
        else:
            self._whole_native(kind, raw, events)
        self.end(events)

    def _whole_message(self, said: _Item, events: list[Event]) -> None:
        self._id = self._id or said.id or ""
        for place, part in enumerate(said.content or ()):
            if part.refusal is not None:
                self.rest("refusal", place, part.refusal, events)
                continue
            self.rest("text", place, part.text or "", events)
            for raw in (part.annotations or ())[self._cited.get(place, 0) :]:
                self.cite(place, raw, events)
            if bytes(part.logprobs) not in _NOT_SAID and not self._weighed:
                events.append(Logprobs(self._block("text", place, events), bytes(part.logprobs)))

    def _whole_reasoning(self, said: _Item, events: list[Event]) -> None:
        self._id = self._id or said.id or ""
        for place, part in enumerate(said.summary or ()):
            self.rest("summary", place, part.text or "", events)
        for place, part in enumerate(said.content or ()):
            self.rest("reasoning", place, part.text or "", events)
        if said.encrypted_content:
            kind: Kind = "reasoning" if ("reasoning", 0) in self._keys else "summary"
            index = self._block(kind, 0, events)
            events.append(OpaqueSeen(index, Opaque(FAMILY, "encrypted", said.encrypted_content)))

    def _whole_native(self, kind: str, raw: msgspec.Raw, events: list[Event]) -> None:
        self._output.natives.append(kind)
        index = self._output.block()
        events.append(BlockStart(index, "native", 0, self._id, kind, FAMILY))
        events.append(Delta(index, bytes(raw).decode("utf-8")))
        events.append(BlockEnd(index))

    def end(self, events: list[Event]) -> None:
        """Its open blocks end; a call without arguments has none, which is said as such."""
        for index in self._open:
            if index == self._call and not self._said.get(("tool_call", 0)) and ("tool_call", 0) in self._keys:
                events.append(Delta(index, "{}"))
            events.append(BlockEnd(index))
        self._open.clear()
