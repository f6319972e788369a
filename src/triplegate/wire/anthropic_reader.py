"""Anthropic's answers, streamed or whole, as neutral events."""

from collections.abc import Callable
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_failures import read_in_band
from triplegate.wire.anthropic_request import FAMILY, citation_of
from triplegate.wire.anthropic_usage import Reported, merged, read_reported, usage_of
from triplegate.wire.neutral import Opaque, Raw
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Failed,
    Finish,
    Kind,
    OpaqueSeen,
    Reason,
    Start,
    Unknown,
    UsageSeen,
)
from triplegate.wire.sse import SseReader

REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "length",
}
_NOTHING = Raw(b"")


class _Block(msgspec.Struct):
    type: str
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    input: Raw = _NOTHING
    citations: list[Raw] | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: Raw = _NOTHING
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    content: list[Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Raw = _NOTHING


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: Raw = _NOTHING
    delta: _Delta | None = None
    usage: Raw = _NOTHING


_event = msgspec.json.Decoder(_Event).decode
_block = msgspec.json.Decoder(_Block).decode
_message = msgspec.json.Decoder(_Message).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_KINDS: dict[str, Kind] = {
    "text": "text",
    "thinking": "reasoning",
    "redacted_thinking": "reasoning",
    "tool_use": "tool_call",
}
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Open:
    """A block under way."""

    __slots__ = ("arguments", "index", "kind", "raw", "said")

    def __init__(self, index: int, kind: Kind, raw: bytes) -> None:
        self.index, self.kind, self.raw = index, kind, raw
        self.arguments: list[str] = []
        self.said = False


class MessagesReader:
    """One answer; `done` at its own end."""

    __slots__ = ("_count", "_open", "_sse", "_usage", "done", "failed")

    def __init__(self) -> None:
        self._sse = SseReader()
        self._open: dict[int, _Open] = {}
        self._count = 0
        self._usage: Reported | None = None
        self.done = self.failed = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`; one that is no JSON is a failure behind what was whole before it."""
        events: list[Event] = []
        for event in self._sse.feed(chunk):
            if self.failed or self.done:
                break
            if event.event == "error":
                events += self._error(_Event(), event.data)
            elif event.data:
                events += self._take(event.data)
        return events

    def finish(self) -> list[Event]:
        """What is left: an event that is whole but for its blank line, and ends of blocks that were never told."""
        events = self.feed(b"\n\n") if self._sse.pending else []
        return events if self.failed else events + self._end_all()

    def _end_all(self) -> list[Event]:
        return [ended for place in list(self._open) for ended in self._end(place)]

    def _take(self, data: bytes) -> list[Event]:
        try:
            said = _event(data)
            handle = _HANDLERS.get(said.type)
            if handle is None:
                return [] if said.type == "ping" else [Unknown(FAMILY, data)]
            return handle(self, said, data)
        except msgspec.ValidationError:
            return [Unknown(FAMILY, data)]
        except _BROKEN as error:
            self.failed = True
            return [Failed("malformed", f"The provider's event cannot be read: {error}")]

    def _error(self, said: _Event, data: bytes) -> list[Event]:
        self.failed = True
        return [read_in_band(data)]

    def _start(self, said: _Event, data: bytes) -> list[Event]:
        message = said.message or _Message()
        return [Start(message.id, message.model), *self._use(message.usage)]

    def _use(self, raw: Raw) -> list[Event]:
        reported = read_reported(raw)
        if reported is None:
            return []
        self._usage = merged(self._usage, reported)
        return [UsageSeen(usage_of(self._usage))]

    def begin(self, place: int, raw: bytes) -> list[Event]:
        """A block begins; what it already holds is told at once, but for arguments, which may come in pieces."""
        block = _block(raw)
        kind = _KINDS.get(block.type, "native")
        opened = self._open[place] = _Open(self._count, kind, raw)
        self._count += 1
        name = block.type if kind == "native" else block.name
        index = opened.index
        events: list[Event] = [
            BlockStart(index, kind, id=block.id, name=name, provider=FAMILY if kind == "native" else "")
        ]
        if kind == "text" and block.text:
            events.append(Delta(index, block.text))
        if block.thinking:
            events.append(Delta(index, block.thinking))
        if block.signature:
            events.append(OpaqueSeen(index, Opaque(FAMILY, "signature", block.signature)))
        if block.type == "redacted_thinking":
            events.append(OpaqueSeen(index, Opaque(FAMILY, "redacted", block.data)))
        events += [Cited(index, citation_of(each)) for each in block.citations or () if kind == "text"]
        return events

    def _begin(self, said: _Event, data: bytes) -> list[Event]:
        return self.begin(said.index, bytes(said.content_block))

    def _delta(self, said: _Event, data: bytes) -> list[Event]:
        delta = said.delta or _Delta()
        events: list[Event] = []
        opened = self._open.get(said.index)
        if opened is None:
            kind = {"thinking_delta": b"thinking", "input_json_delta": b"tool_use"}.get(delta.type, b"text")
            events = self.begin(said.index, b'{"type":"%b"}' % kind)
            opened = self._open[said.index]
        index = opened.index
        if delta.type == "input_json_delta":
            opened.arguments.append(delta.partial_json)
            if opened.kind == "native" or not delta.partial_json:
                return events
            opened.said = True
            return [*events, Delta(index, delta.partial_json)]
        if delta.type == "signature_delta":
            return [*events, OpaqueSeen(index, Opaque(FAMILY, "signature", delta.signature))]
        if delta.type == "citations_delta":
            return [*events, Cited(index, citation_of(delta.citation))]
        text = delta.text or delta.thinking
        if delta.type not in ("text_delta", "thinking_delta"):
            return [*events, Unknown(FAMILY, data)]
        return [*events, Delta(index, text)] if text else events

    def _stop(self, said: _Event, data: bytes) -> list[Event]:
        return self._end(said.index)

    def _end(self, place: int) -> list[Event]:
        opened = self._open.pop(place, None)
        if opened is None:
            return []
        events: list[Event] = []
        if opened.kind == "native":
            events.append(Delta(opened.index, _native(opened).decode("utf-8")))
        elif opened.kind == "tool_call" and not opened.said:
            given = bytes(_block(opened.raw).input)
            if given not in (b"", b"{}", b"null"):
                events.append(Delta(opened.index, given.decode("utf-8")))
        return [*events, BlockEnd(opened.index)]

    def _message_delta(self, said: _Event, data: bytes) -> list[Event]:
        events = self._use(said.usage)
        delta = said.delta or _Delta()
        if delta.stop_reason:
            reason = REASONS.get(delta.stop_reason, "stop")
            events.append(Finish(reason, delta.stop_reason, sequence=delta.stop_sequence or ""))
        return events

    def _message_stop(self, said: _Event, data: bytes) -> list[Event]:
        events = self._end_all()
        self.done = True
        return events


_HANDLERS: dict[str, Callable[[MessagesReader, _Event, bytes], list[Event]]] = {
    "message_start": MessagesReader._start,  # noqa: SLF001 - its own table
    "content_block_start": MessagesReader._begin,  # noqa: SLF001
    "content_block_delta": MessagesReader._delta,  # noqa: SLF001
    "content_block_stop": MessagesReader._stop,  # noqa: SLF001
    "message_delta": MessagesReader._message_delta,  # noqa: SLF001
    "message_stop": MessagesReader._message_stop,  # noqa: SLF001
    "error": MessagesReader._error,  # noqa: SLF001
}


def _native(opened: _Open) -> bytes:
    """The block as it is once whole: what came in pieces stands in its `input`."""
    arguments = "".join(opened.arguments)
    if not arguments:
        return opened.raw
    members: dict[str, Any] = _members(opened.raw)
    members["input"] = Raw(arguments.encode())
    return _encode(members)


def read_reply(text: bytes) -> list[Event]:
    """A whole reply as events. Raises Refusal upstream_malformed."""
    try:
        message = _message(text)
        if message.content is None:
            failed = read_in_band(text)
            return [failed]
        reader = MessagesReader()
        events: list[Event] = [Start(message.id, message.model)]
        for place, raw in enumerate(message.content):
            events += reader.begin(place, bytes(raw))
            events += reader._end(place)  # noqa: SLF001 - its own kind
    except _BROKEN as error:
        raise Refusal("upstream_malformed", "The provider's answer is malformed.", reason=str(error)) from error
    reported = read_reported(message.usage)
    if reported is not None:
        events.append(UsageSeen(usage_of(reported)))
    reason = message.stop_reason or "end_turn"
    events.append(Finish(REASONS.get(reason, "stop"), reason, sequence=message.stop_sequence or ""))
    return events
