"""Neutral events as OpenAI's Responses: a stream of typed events, or one response."""

from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Opaque, Raw, seal
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Failed,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    UsageSeen,
)
from triplegate.wire.openai_errors import body as error_body
from triplegate.wire.responses_echo import annotation, closing, opening
from triplegate.wire.responses_items import FAMILY, SIGNATURE

_encode = msgspec.json.Encoder().encode
_error = msgspec.json.Decoder(dict[str, Raw]).decode

_TEXTS = ("text", "refusal")
_CALLS = {
    "tool_call": ("function_call", "arguments", "response.function_call_arguments"),
    "custom_tool_call": ("custom_tool_call", "input", "response.custom_tool_call_input"),
}
"""Type of the item, its field, and the beginning of its events' types."""


class _Open:
    """A block on its way, and where it stands."""

    __slots__ = ("annotations", "ended", "item", "opaque", "part", "pieces", "place", "start", "weights")

    def __init__(self, start: BlockStart, place: int, item: str, part: int = 0) -> None:
        self.start, self.place, self.item, self.part = start, place, item, part
        self.pieces: list[str] = []
        self.opaque: list[Opaque] = []
        self.annotations: list[Any] = []
        self.weights: list[bytes] = []
        self.ended = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class ResponsesWriter:
    """Writes each event when it comes; items are kept, because the last event tells them all again."""

    __slots__ = ("_blocks", "_finish", "_message", "_number", "_output", "_parts", "_response", "_shape", "_usage")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._number = 0
        self._response: dict[str, Any] | None = None
        self._blocks: dict[int, _Open] = {}
        self._output: list[Any] = []
        """Items by place; None until they are done."""
        self._message: tuple[int, str] | None = None
        """Place and id of the open message."""
        self._parts: list[Any] = []
        self._finish = Finish("stop")
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """The events for it, possibly none."""
        match event:
            case Delta(index, text):
                return self._delta(index, text)
            case Start():
                return self._open(event)
            case BlockStart():
                return self._begin(event) if event.choice == 0 else b""
            case BlockEnd(index):
                return self._end(self._blocks[index]) if index in self._blocks else b""
            case OpaqueSeen(index, opaque):
                if index in self._blocks:
                    self._blocks[index].opaque.append(opaque)
            case Cited(index, citation):
                return self._cite(index, annotation(citation))
            case Logprobs(index, raw):
                return self._weigh(index, raw)
            case _:
                self._note(event)
        return b""

    def _note(self, event: Event) -> None:
        """What the last event tells."""
        if isinstance(event, UsageSeen):
            self._usage = event.usage
        elif isinstance(event, Finish) and event.choice == 0:
            self._finish = event

    def finish(self) -> bytes:
        """Whatever is open ends; then the response as a whole, completed or incomplete."""
        pieces = [self._open(Start()), self._end_all()]
        assert self._response is not None
        status = closing(self._response, self._output, self._finish, self._usage)
        pieces.append(self._event(f"response.{status}", {"response": self._response}))
        return b"".join(pieces)

    def fail(self, refusal: Refusal) -> bytes:
        """The error event; the response is neither completed nor failed by it."""
        said = _error(_error(error_body(refusal))["error"])
        parts = {"code": said["code"], "message": said["message"], "param": said["param"]}
        return self._event("error", {**parts, "error": {"type": said["type"], **parts}})

    def whole(self) -> bytes:
        """The response alone, at its end."""
        self.finish()
        return _encode(self._response)

    def _event(self, kind: str, said: dict[str, Any]) -> bytes:
        text = _encode({"type": kind, "sequence_number": self._number, **said})
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), text)

    def _open(self, start: Start) -> bytes:
        if self._response is not None:
            return b""
        self._response = opening(start, self._shape)
        said = {"response": self._response}
        return self._event("response.created", said) + self._event("response.in_progress", said)

    def _item_id(self, prefix: str, said: str, place: int) -> str:
        """The provider's own id where it is of this kind, else one made of the response's."""
        assert self._response is not None
        return said if said.startswith(prefix) else f"{prefix}{str(self._response['id'])[5:]}_{place}"

    def _add(self, item: dict[str, Any]) -> bytes:
        self._output.append(None)
        return self._event("response.output_item.added", {"output_index": len(self._output) - 1, "item": item})

    def _done(self, place: int, item: Any) -> bytes:
        self._output[place] = item
        return self._event("response.output_item.done", {"output_index": place, "item": item})

    def _begin(self, start: BlockStart) -> bytes:
        pieces = [self._open(Start())]
        if start.kind in _TEXTS:
            pieces.append(self._begin_part(start))
            return b"".join(pieces)
        if all(block.ended for block in self._blocks.values() if block.start.kind in _TEXTS):
            pieces.append(self._end_message())  # else more text may come beside what begins
        place = len(self._output)
        if start.kind in _CALLS:
            kind, field, _ = _CALLS[start.kind]
            block = _Open(start, place, self._item_id("fc_" if field == "arguments" else "ctc_", "", place))
            item = {"id": block.item, "type": kind, "call_id": start.id, "name": start.name, field: ""}
            pieces.append(self._add({**item, "status": "in_progress"}))
        elif start.kind == "native":
            block = _Open(start, -1, start.id)
        else:
            block = _Open(start, place, self._item_id("rs_", start.id, place))
            pieces.append(self._add({"id": block.item, "type": "reasoning", "summary": [], "status": "in_progress"}))
        self._blocks[start.index] = block
        return b"".join(pieces)

    def _begin_part(self, start: BlockStart) -> bytes:
        opened = b""
        if self._message is None:
            place = len(self._output)
            self._message = place, self._item_id("msg_", start.id, place)
            item = {"id": self._message[1], "type": "message", "status": "in_progress", "role": "assistant"}
            opened = self._add({**item, "content": []})
        place, item_id = self._message
        block = self._blocks[start.index] = _Open(start, place, item_id, len(self._parts))
        self._parts.append(None)
        return opened + self._event("response.content_part.added", {**self._where(block), "part": _part(block)})

    def _where(self, block: _Open) -> dict[str, Any]:
        said: dict[str, Any] = {"item_id": block.item, "output_index": block.place}
        if block.start.kind in _TEXTS:
            said["content_index"] = block.part
        elif block.start.kind not in _CALLS:
            said["summary_index"] = 0
        return said

    def _delta(self, index: int, text: str) -> bytes:
        block = self._blocks.get(index)
        if block is None:
            return b""
        first = not block.pieces
        block.pieces.append(text)
        kind = block.start.kind
        if kind == "native":
            return b""
        said = {**self._where(block), "delta": text}
        if kind == "text":
            return self._event("response.output_text.delta", {**said, "logprobs": []})
        if kind == "refusal":
            return self._event("response.refusal.delta", said)
        if kind in _CALLS:
            return self._event(f"{_CALLS[kind][2]}.delta", said)
        part = {**self._where(block), "part": {"type": "summary_text", "text": ""}}
        opened = self._event("response.reasoning_summary_part.added", part) if first else b""
        return opened + self._event("response.reasoning_summary_text.delta", said)

    def _cite(self, index: int, said: Any) -> bytes:
        block = self._blocks.get(index)
        if block is None or block.start.kind != "text":
            return b""
        block.annotations.append(said)
        where = {**self._where(block), "annotation_index": len(block.annotations) - 1, "annotation": said}
        return self._event("response.output_text.annotation.added", where)

    def _weigh(self, index: int, raw: bytes) -> bytes:
        block = self._blocks.get(index)
        if block is None or block.start.kind != "text":
            return b""
        block.weights.append(raw)
        return self._event("response.output_text.delta", {**self._where(block), "delta": "", "logprobs": Raw(raw)})

    def _end(self, block: _Open) -> bytes:
        if block.ended:
            return b""
        block.ended = True
        kind = block.start.kind
        if kind in _TEXTS:
            return self._end_part(block)
        if kind in _CALLS:
            return self._end_call(block)
        return self._end_native(block) if kind == "native" else self._end_thought(block)

    def _end_part(self, block: _Open) -> bytes:
        part = self._parts[block.part] = _part(block)
        where = self._where(block)
        if block.start.kind == "text":
            said = {**where, "text": block.text, "logprobs": part["logprobs"]}
            ended = self._event("response.output_text.done", said)
        else:
            ended = self._event("response.refusal.done", {**where, "refusal": block.text})
        loose = b"".join(self._state(opaque) for opaque in block.opaque)
        return ended + self._event("response.content_part.done", {**where, "part": part}) + loose

    def _end_message(self) -> bytes:
        if self._message is None:
            return b""
        place, item = self._message
        pieces = [self._end(block) for block in self._blocks.values() if block.start.kind in _TEXTS]
        said = {"id": item, "type": "message", "status": "completed", "role": "assistant", "content": self._parts}
        self._message, self._parts = None, []
        return b"".join([*pieces, self._done(place, said)])

    def _end_call(self, block: _Open) -> bytes:
        kind, field, events = _CALLS[block.start.kind]
        text = block.text or ("{}" if field == "arguments" else "")
        item = {"id": block.item, "type": kind, "call_id": block.start.id, "name": block.start.name, field: text}
        done = self._event(f"{events}.done", {**self._where(block), "name": block.start.name, field: text})
        done += self._done(block.place, {**item, "status": "completed"})
        return done + b"".join(self._state(opaque, SIGNATURE + block.start.id) for opaque in block.opaque)

    def _end_thought(self, block: _Open) -> bytes:
        pieces: list[bytes] = []
        summary: list[Any] = []
        if block.pieces:
            part = {"type": "summary_text", "text": block.text}
            summary.append(part)
            where = self._where(block)
            pieces.append(self._event("response.reasoning_summary_text.done", {**where, "text": block.text}))
            pieces.append(self._event("response.reasoning_summary_part.done", {**where, "part": part}))
        item: dict[str, Any] = {"id": block.item, "type": "reasoning", "summary": summary, "status": "completed"}
        if block.opaque:
            item["encrypted_content"] = _sealed(block.opaque[0])
        pieces.append(self._done(block.place, item))
        pieces += [self._state(opaque) for opaque in block.opaque[1:]]
        return b"".join(pieces)

    def _state(self, opaque: Opaque, item_id: str = "") -> bytes:
        """A reasoning item that carries nothing but state, which clients send back."""
        place = len(self._output)
        item_id = item_id or self._item_id("rs_", "", place)
        item = {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": _sealed(opaque)}
        return self._add(item) + self._done(place, item)

    def _end_native(self, block: _Open) -> bytes:
        if block.start.provider != FAMILY:
            return b""
        item = Raw(block.text.encode())
        place = len(self._output)
        self._output.append(None)
        added = self._event("response.output_item.added", {"output_index": place, "item": item})
        return added + self._done(place, item)

    def _end_all(self) -> bytes:
        pieces = [self._end_message()]
        pieces += [self._end(block) for block in list(self._blocks.values())]
        return b"".join(pieces)


def _part(block: _Open) -> dict[str, Any]:
    if block.start.kind == "refusal":
        return {"type": "refusal", "refusal": block.text}
    joined = b",".join(inner for raw in block.weights if (inner := raw.strip()[1:-1].strip()))
    weights = Raw(b"[%b]" % joined)
    return {"type": "output_text", "annotations": block.annotations, "logprobs": weights, "text": block.text}


def _sealed(opaque: Opaque) -> str:
    return opaque.value if opaque.provider == FAMILY else seal(opaque)


def write_reply(events: Iterable[Event], shape: Shape) -> bytes:
    """A whole response. Raises Refusal upstream_failed when the events hold a failure."""
    writer = ResponsesWriter(shape)
    for event in events:
        if isinstance(event, Failed):
            raise Refusal("upstream_failed", "The provider failed.", reason=event.message)
        writer.feed(event)
    return writer.whole()
