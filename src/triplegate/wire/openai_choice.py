"""One choice of an OpenAI chat answer: fragments of text, thoughts and tool calls become blocks."""

from collections.abc import Iterator

import msgspec

from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Finish,
    Kind,
    Logprobs,
    OpaqueSeen,
    Reason,
)
from triplegate.wire.openai_messages import detail, thoughts

NOTHING = msgspec.Raw(b"")
_NOT_SAID = frozenset({b"", b"null"})


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: msgspec.Raw = NOTHING
    """A string; an object with some backends."""
    input: str | None = None


class _Google(msgspec.Struct, gc=False):
    thought_signature: str | None = None


class _Extra(msgspec.Struct, gc=False):
    google: _Google | None = None


class _Call(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    custom: _Function | None = None
    extra_content: _Extra | None = None


class Said(msgspec.Struct):
    """A delta or a message; members are read one by one, so that a strange one costs no other."""

    content: msgspec.Raw = NOTHING
    reasoning_content: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    reasoning_details: msgspec.Raw = NOTHING
    refusal: msgspec.Raw = NOTHING
    tool_calls: msgspec.Raw = NOTHING
    function_call: msgspec.Raw = NOTHING
    annotations: msgspec.Raw = NOTHING
    audio: msgspec.Raw = NOTHING
    images: msgspec.Raw = NOTHING


class _Source(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    content: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Annotation(msgspec.Struct, gc=False):
    url_citation: _Source | None = None


class _Weights(msgspec.Struct, gc=False):
    content: msgspec.Raw = NOTHING
    refusal: msgspec.Raw = NOTHING


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: msgspec.Raw = NOTHING


_string = msgspec.json.Decoder(str).decode
_parts = msgspec.json.Decoder(list[_Part]).decode
_calls = msgspec.json.Decoder(list[_Call]).decode
_function = msgspec.json.Decoder(_Function).decode
_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode
_annotation = msgspec.json.Decoder(_Annotation).decode
_weights = msgspec.json.Decoder(_Weights).decode
_any = msgspec.json.Decoder(msgspec.Raw).decode

_REASONS: dict[str, Reason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class _Tool:
    """A tool call on its way."""

    __slots__ = ("ended", "id", "index", "name", "pieces")

    def __init__(self, index: int, call_id: str, name: str) -> None:
        self.index, self.id, self.name = index, call_id, name
        self.pieces: list[str] = []
        self.ended = False

    @property
    def whole(self) -> bool:
        """Whether its arguments are complete JSON: what comes next is another call."""
        try:
            _any("".join(self.pieces))
        except (msgspec.DecodeError, UnicodeEncodeError):
            return False
        return True


class Choice:
    """Takes what is said of one choice in order and tells it as events."""

    __slots__ = ("_indexes", "_kind", "_last", "_number", "_open", "_reply", "_said", "_tools", "finish_reason")

    def __init__(self, number: int, indexes: Iterator[int], reply: str) -> None:
        self._number, self._indexes, self._reply = number, indexes, reply
        self._open = self._last = -1
        self._kind: Kind = "text"
        self._said: dict[str, list[str]] = {}
        """All text so far by kind, for backends that repeat it as a whole."""
        self._tools: list[tuple[int | None, _Tool]] = []
        self.finish_reason = ""

    def more(self, said: Said, events: list[Event]) -> None:
        """A delta. Raises DecodeError for a member of an unknown form."""
        self._think(said, events)
        self._content(said.content, events)
        if bytes(said.refusal) not in _NOT_SAID:
            self._say("refusal", _string(said.refusal), events)
        if bytes(said.annotations) not in _NOT_SAID:
            self._cite(said.annotations, events)
        if bytes(said.tool_calls) not in _NOT_SAID:
            for call in _calls(said.tool_calls):
                self._call(call, events)
        if bytes(said.function_call) not in _NOT_SAID:
            self._call(_Call(0, None, _function(said.function_call)), events)
        self._media(said, events)

    def whole(self, said: Said, events: list[Event]) -> None:
        """A message. What deltas said before is not said again."""
        if self._tools:
            said.tool_calls = said.function_call = NOTHING
        if "reasoning" in self._said:
            said.reasoning_content = said.reasoning = said.reasoning_details = NOTHING
        before = "".join(self._said.get("text", ()))
        if before and bytes(said.content)[:1] == b'"':
            text = _string(said.content)
            said.content = NOTHING
            if text.startswith(before):
                self._say("text", text[len(before) :], events)
        self.more(said, events)

    def _think(self, said: Said, events: list[Event]) -> None:
        text = ""
        for raw in (said.reasoning_content, said.reasoning):
            if not text and bytes(raw)[:1] == b'"':
                text = _string(raw)
        details = _raws(said.reasoning_details) if bytes(said.reasoning_details) not in _NOT_SAID else []
        known = [(raw, detail(raw)) for raw in details]
        if not text:
            text = "".join(one.text or one.summary or "" for _, one in known)
        self._say("reasoning", text, events)
        for raw, one in known:
            if one.signature or one.data:
                index = self._block("reasoning", events)
                events.append(OpaqueSeen(index, Opaque("openai", "encrypted", bytes(raw).decode("utf-8"))))

    def _content(self, raw: msgspec.Raw, events: list[Event]) -> None:
        text = bytes(raw)
        if text[:1] == b'"':
            self._say("text", _string(raw), events)
        elif text[:1] == b"[":
            for part in _parts(raw):
                if part.type == "thinking" and len(part.thinking):
                    self._say("reasoning", thoughts(part.thinking), events)
                elif part.text:
                    self._say("text", part.text, events)

    def _say(self, kind: Kind, text: str, events: list[Event]) -> None:
        if text:
            events.append(Delta(self._block(kind, events), text))
            said = self._said.setdefault(kind, [])
            if kind == "text":
                said.append(text)

    def _block(self, kind: Kind, events: list[Event]) -> int:
        """The open block of this kind; another one ends before it."""
        if self._open >= 0 and self._kind == kind:
            return self._open
        self._shut(events)
        self._open, self._kind = next(self._indexes), kind
        if kind in ("text", "refusal"):
            self._last = self._open
        events.append(BlockStart(self._open, kind, self._number))
        return self._open

    def _shut(self, events: list[Event]) -> None:
        if self._open >= 0:
            events.append(BlockEnd(self._open))
            self._open = -1

    def _call(self, call: _Call, events: list[Event]) -> None:
        function = call.function or call.custom or _Function()
        tool = self._known(call, function)
        if tool is None:
            if not function.name:
                return
            self._shut(events)
            number = len(self._tools)
            tool = _Tool(next(self._indexes), call.id or f"call_{self._reply or self._number}_{number}", function.name)
            self._tools.append((call.index, tool))
            kind: Kind = "custom_tool_call" if call.custom is not None else "tool_call"
            events.append(BlockStart(tool.index, kind, self._number, tool.id, tool.name))
        raw = bytes(function.arguments)
        text = function.input or ("" if raw in _NOT_SAID else _string(raw) if raw[:1] == b'"' else raw.decode("utf-8"))
        if text:
            tool.pieces.append(text)
            events.append(Delta(tool.index, text))
        google = call.extra_content.google if call.extra_content is not None else None
        if google is not None and google.thought_signature:
            events.append(OpaqueSeen(tool.index, Opaque("openai", "thought", google.thought_signature)))

    def _known(self, call: _Call, function: _Function) -> _Tool | None:
        """The call that this continues; relatives leave out ids or indexes, or give each call the index 0."""
        if call.index is None and not call.id:
            return self._tools[-1][1] if self._tools and not function.name else None
        for index, tool in reversed(self._tools):
            if call.id and call.id == tool.id:
                return tool
            if call.index is None or index != call.index:
                continue
            if function.name and (call.id or tool.whole):
                return None
            return tool
        return None

    def _cite(self, raw: msgspec.Raw, events: list[Event]) -> None:
        for one in _raws(raw):
            source = _annotation(one).url_citation
            if source is None or self._last < 0:
                continue
            citation = Citation(
                source.url or "",
                source.title or "",
                source.content or "",
                source.start_index or 0,
                source.end_index or 0,
                "openai",
                bytes(one),
            )
            events.append(Cited(self._last, citation))

    def _media(self, said: Said, events: list[Event]) -> None:
        if bytes(said.audio) not in _NOT_SAID:
            self._native("audio", bytes(said.audio), events)
        if bytes(said.images) not in _NOT_SAID:
            for image in _raws(said.images):
                self._native("image", bytes(image), events)

    def _native(self, name: str, raw: bytes, events: list[Event]) -> None:
        self._shut(events)
        index = next(self._indexes)
        events.append(BlockStart(index, "native", self._number, name=name, provider="openai"))
        events.append(Delta(index, raw.decode("utf-8")))
        events.append(BlockEnd(index))

    def weigh(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """Log probabilities of the text just said."""
        if bytes(raw) in _NOT_SAID:
            return
        said = _weights(raw)
        weights = said.content if bytes(said.content) not in _NOT_SAID else said.refusal
        if bytes(weights)[:1] == b"[" and bytes(weights) != b"[]":
            index = self._open if self._open >= 0 else self._last
            events.append(Logprobs(index if index >= 0 else self._block("text", events), bytes(weights)))

    def end(self, events: list[Event], *, said: bool) -> None:
        """Blocks end; the choice does where a reason, or (`said`) the end of the stream, was told."""
        self._shut(events)
        for _, tool in self._tools:
            if not tool.ended:
                tool.ended = True
                if not tool.pieces:
                    events.append(Delta(tool.index, "{}"))
                events.append(BlockEnd(tool.index))
        if self.finish_reason or said:
            events.append(Finish(self._reason(), self.finish_reason, self._number))

    def _reason(self) -> Reason:
        reason = _REASONS.get(self.finish_reason, "stop")
        if reason == "stop" and self._tools:
            return "tool_calls"
        return "refusal" if reason == "stop" and "refusal" in self._said else reason
