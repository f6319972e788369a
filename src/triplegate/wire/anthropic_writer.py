"""Neutral events as an Anthropic answer: a stream of one open block at a time, or a whole message."""

from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire import anthropic_errors
from triplegate.wire.anthropic_request import FAMILY
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation, Opaque, Raw, seal
from triplegate.wire.neutral_events import (
    Answer,
    Block,
    BlockEnd,
    BlockStart,
    Event,
    Failed,
    Finish,
    Start,
    UsageSeen,
    add,
    gather,
)

_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Raw]).decode
_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_calls": "tool_use",
    "pause": "pause_turn",
    "refusal": "refusal",
    "content_filter": "refusal",
    "error": "end_turn",
}
_MESSAGE = "msg_"


def usage_members(usage: Usage | None) -> dict[str, Any]:
    """The complete shape (C4): input beside cache reads and writes."""
    said = usage or Usage()
    written = said.cache_write_5m + said.cache_write_1h
    return {
        "input_tokens": said.input_uncached + said.audio_in + said.image_in,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": said.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": said.cache_write_5m,
            "ephemeral_1h_input_tokens": said.cache_write_1h,
        },
        "output_tokens": said.output_total,
        "service_tier": "standard",
    }


def _identity(start: Start, shape: Shape) -> str:
    identity = start.id or shape.id
    return identity if identity.startswith(_MESSAGE) else _MESSAGE + identity


class MessagesWriter:
    """A stream for one client; a block that begins while another is open waits until that one has ended."""

    __slots__ = ("_answer", "_by_index", "_open", "_opened", "_shape", "_started", "_waiting", "_written")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._answer = Answer()
        self._by_index: dict[int, Block] = {}
        self._started = False
        self._open: int | None = None
        self._opened = False
        self._waiting: list[int] = []
        self._written = 0

    def feed(self, event: Event) -> bytes:
        """What the client gets for it, possibly nothing yet."""
        if isinstance(event, Failed):
            return b""
        if isinstance(event, BlockStart) and event.choice:
            return b""  # the dialect has one answer
        index = getattr(event, "index", None)
        if index is not None and not isinstance(event, BlockStart) and index not in self._by_index:
            return b""
        add(self._answer, self._by_index, event)
        if isinstance(event, Start | UsageSeen | Finish):
            return b""
        out = [self._start()]
        match event:
            case BlockStart(index=index):
                if self._open is None:
                    out.append(self._begin(index))
                else:
                    self._waiting.append(index)
            case BlockEnd(index=index):
                if index == self._open:
                    out += [self._end(), self._next()]
            case _ if index is not None and index == self._open:
                out.append(self._more())
        return b"".join(out)

    def finish(self) -> bytes:
        """Every block to its end, then why the message ended and what it used."""
        out = [self._start()]
        while self._open is not None:
            out += [self._end(), self._next()]
        finish = self._answer.finishes.get(0) or Finish("stop")
        delta = {"stop_reason": _reason(finish), "stop_sequence": finish.sequence or None}
        usage = usage_members(self._answer.usage)
        del usage["service_tier"], usage["cache_creation"]
        out.append(_event("message_delta", {"delta": delta, "usage": usage}))
        out.append(_event("message_stop", {}))
        return b"".join(out)

    def fail(self, refusal: Refusal) -> bytes:
        """The `error` event."""
        return anthropic_errors.event(refusal, self._shape.id)

    def _start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        usage = usage_members(self._answer.usage)
        usage["output_tokens"] = 0
        message: dict[str, Any] = {
            "id": _identity(self._answer.start, self._shape),
            "type": "message",
            "role": "assistant",
            "model": self._shape.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return _event("message_start", {"message": message})

    def _begin(self, index: int) -> bytes:
        """Make it the open block; what came of it while it waited follows."""
        self._open, self._opened = index, False
        return self._more()

    def _more(self, last: bool = False) -> bytes:
        """What came of the open block since last time; `last`: it is whole now."""
        assert self._open is not None
        block = self._by_index[self._open]
        if block.kind == "native" or (block.kind == "custom_tool_call" and not last):
            return b""  # written whole, at its end
        thinks = block.kind in ("reasoning", "summary")
        out: list[bytes] = []
        if not self._opened and (last or not thinks or block.pieces or block.opaque):
            self._opened = True
            out.append(_event("content_block_start", {"index": self._written, "content_block": _opening(block)}))
            if _redacted(block):
                block.opaque.clear()
        text = block.text
        block.pieces.clear()
        if text:
            out.append(self._delta(_delta(block, text)))
        out += [self._delta(each) for each in _citations(block.citations)]
        block.citations.clear()
        if thinks and self._opened:
            out += [
                self._delta({"type": "signature_delta", "signature": _sealed(opaque)})
                for opaque in block.opaque
                if opaque.kind != "redacted"
            ]
            block.opaque.clear()
        return b"".join(out)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", {"index": self._written, "delta": delta})

    def _end(self) -> bytes:
        assert self._open is not None
        head = self._more(last=True)
        block = self._by_index[self._open]
        self._open = None
        if block.kind == "native":
            if block.provider != FAMILY:
                return b""
            head = _event("content_block_start", {"index": self._written, "content_block": Raw(block.text.encode())})
        self._written += 1
        return head + _event("content_block_stop", {"index": self._written - 1})

    def _next(self) -> bytes:
        """The next block that waits; one that has ended meanwhile is written whole."""
        out: list[bytes] = []
        while self._open is None and self._waiting:
            index = self._waiting.pop(0)
            out.append(self._begin(index))
            if self._by_index[index].ended:
                out.append(self._end())
        return b"".join(out)


def _event(kind: str, members: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode("ascii"), _encode({"type": kind, **members}))


def _redacted(block: Block) -> bool:
    return bool(block.opaque) and block.opaque[0].kind == "redacted" and not block.pieces


def _sealed(opaque: Opaque) -> str:
    return opaque.value if opaque.provider == FAMILY else seal(opaque)


def _opening(block: Block) -> dict[str, Any]:
    match block.kind:
        case "reasoning" | "summary":
            if _redacted(block):
                return {"type": "redacted_thinking", "data": _sealed(block.opaque[0])}
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_call" | "custom_tool_call":
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}
        case _:
            return {"type": "text", "text": ""}


def _delta(block: Block, text: str) -> dict[str, Any]:
    match block.kind:
        case "reasoning" | "summary":
            return {"type": "thinking_delta", "thinking": text}
        case "tool_call":
            return {"type": "input_json_delta", "partial_json": text}
        case "custom_tool_call":
            return {"type": "input_json_delta", "partial_json": _encode({"input": text}).decode()}
        case _:
            return {"type": "text_delta", "text": text}


def _citations(citations: list[Citation]) -> list[dict[str, Any]]:
    return [{"type": "citations_delta", "citation": _citation(one)} for one in citations]


def _citation(one: Citation) -> Any:
    if one.provider == FAMILY and one.raw:
        return Raw(one.raw)
    return {
        "type": "web_search_result_location",
        "url": one.url,
        "title": one.title or None,
        "cited_text": one.quote,
        "encrypted_index": "",
    }


def _reason(finish: Finish) -> str:
    return _REASONS.get(finish.reason, "end_turn")


def write_reply(events: Iterable[Event], shape: Shape) -> bytes:
    """A whole message. Raises Refusal upstream_failed when the events hold a failure."""
    answer = gather(events)
    if answer.failed is not None:
        raise Refusal("upstream_failed", "The provider failed.", reason=answer.failed.message)
    finish = answer.finishes.get(0) or Finish("stop")
    return _encode(
        {
            "id": _identity(answer.start, shape),
            "type": "message",
            "role": "assistant",
            "model": shape.model,
            "content": [each for block in answer.of(0) if (each := _whole(block)) is not None],
            "stop_reason": _reason(finish),
            "stop_sequence": finish.sequence or None,
            "usage": usage_members(answer.usage),
        }
    )


def _whole(block: Block) -> Any:
    text = block.text
    match block.kind:
        case "native":
            return Raw(text.encode()) if block.provider == FAMILY else None
        case "reasoning" | "summary":
            if _redacted(block):
                return {"type": "redacted_thinking", "data": _sealed(block.opaque[0])}
            signature = _sealed(block.opaque[-1]) if block.opaque else ""
            return {"type": "thinking", "thinking": text, "signature": signature}
        case "tool_call" | "custom_tool_call":
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": _input(block, text)}
        case _:
            written: dict[str, Any] = {"type": "text", "text": text}
            if block.citations:
                written["citations"] = [_citation(one) for one in block.citations]
            return written


def _input(block: Block, text: str) -> Any:
    """Arguments as the object they are; what is none is kept as text, so that nothing is lost."""
    if block.kind == "custom_tool_call":
        return {"input": text}
    try:
        _object(text or "{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"raw_arguments": text}
    return Raw((text or "{}").encode())
