"""Neutral events as OpenAI chat answers: a stream of chunks, or one completion."""

from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation, Opaque, Raw, seal
from triplegate.wire.neutral_events import (
    Answer,
    Block,
    BlockStart,
    Cited,
    Delta,
    Event,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    UsageSeen,
    gather,
)
from triplegate.wire.openai_errors import event as error_event
from triplegate.wire.openai_usage import write_usage

_encode = msgspec.json.Encoder().encode

_FINISHES = {"length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter"}
_FIELDS = {
    "text": b"content",
    "reasoning": b"reasoning_content",
    "summary": b"reasoning_content",
    "refusal": b"refusal",
}


class _Open:
    """What is known of a block while it is written."""

    __slots__ = ("choice", "kind", "name", "number", "pieces", "provider")

    def __init__(self, start: BlockStart, number: int) -> None:
        self.choice, self.kind, self.name, self.provider = start.choice, start.kind, start.name, start.provider
        self.number = number
        self.pieces: list[str] = []


class ChatWriter:
    """A stream of `chat.completion.chunk`; a chunk leaves with every event that says something."""

    __slots__ = ("_blocks", "_counts", "_finished", "_head", "_shape", "_start", "_usage")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._head = b""
        self._start = Start()
        self._blocks: dict[int, _Open] = {}
        self._counts: dict[tuple[int, str], int] = {}
        self._finished: dict[int, bool] = {}
        """Choices that began, and whether they ended."""
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """The chunks for it, possibly none."""
        match event:
            case Delta(index, text):
                return self._delta(self._blocks[index], text)
            case BlockStart():
                return self._begin(event)
            case OpaqueSeen(index, opaque):
                return self._state(self._blocks[index], opaque)
            case Cited(index, citation):
                block = self._blocks[index]
                number = self._count(block.choice, "annotations")
                return self._chunk(block.choice, {"annotations": [{"index": number, **annotation(citation)}]})
            case Logprobs(index, raw):
                return self._weigh(self._blocks[index], raw)
            case Finish():
                self._finished[event.choice] = True
                return self._role(event.choice) + self._chunk(event.choice, {}, finish=self._reason(event))
            case UsageSeen(usage):
                self._usage = usage
            case Start():
                self._start = event
        return b""

    def finish(self) -> bytes:
        """Ends that were never said, usage where it was asked for, and `[DONE]`."""
        pieces: list[bytes] = []
        for choice in sorted({0} | set(self._finished)):
            if not self._finished.get(choice):
                pieces.append(self.feed(Finish("stop", choice=choice)))
        if self._shape.include_usage and self._usage is not None:
            tail = b'"choices":[],"usage":' + _encode(write_usage(self._usage))
            pieces.append(b"data: " + self._opening() + tail + b"}\n\n")
        pieces.append(b"data: [DONE]\n\n")
        return b"".join(pieces)

    def fail(self, refusal: Refusal) -> bytes:
        """The error event; no `[DONE]` follows."""
        return error_event(refusal)

    def _opening(self) -> bytes:
        if not self._head:
            self._head = _encode(head(self._start, self._shape, "chat.completion.chunk"))[:-1] + b","
        return self._head

    def _chunk(self, choice: int, delta: Any, finish: str | None = None, logprobs: Raw | None = None) -> bytes:
        said = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return b'data: %b"choices":[%b]%b}\n\n' % (self._opening(), _encode(said), self._no_usage())

    def _no_usage(self) -> bytes:
        return b',"usage":null' if self._shape.include_usage else b""

    def _role(self, choice: int) -> bytes:
        """The chunk that begins a choice, once."""
        if (choice, "role") in self._counts:
            return b""
        self._counts[choice, "role"] = 1
        self._finished.setdefault(choice, False)
        return self._chunk(choice, {"role": "assistant", "content": ""})

    def _count(self, choice: int, name: str) -> int:
        number = self._counts.get((choice, name), 0)
        self._counts[choice, name] = number + 1
        return number

    def _begin(self, start: BlockStart) -> bytes:
        is_tool = start.kind in ("tool_call", "custom_tool_call")
        number = self._count(start.choice, "tool_calls") if is_tool else 0
        self._blocks[start.index] = _Open(start, number)
        role = self._role(start.choice)
        if not is_tool:
            return role
        return role + self._chunk(start.choice, {"tool_calls": [{"index": number, **call_of(start)}]})

    def _delta(self, block: _Open, text: str) -> bytes:
        field = _FIELDS.get(block.kind)
        if field is not None:
            if block.kind != "text":
                block.pieces.append(text)
            return b'data: %b"choices":[{"index":%d,"delta":{"%b":%b},"logprobs":null,"finish_reason":null}]%b}\n\n' % (
                self._opening(),
                block.choice,
                field,
                _encode(text),
                self._no_usage(),
            )
        if block.kind == "native":
            return self._native(block, text)
        said = {"custom": {"input": text}} if block.kind == "custom_tool_call" else {"function": {"arguments": text}}
        return self._chunk(block.choice, {"tool_calls": [{"index": block.number, **said}]})

    def _native(self, block: _Open, text: str) -> bytes:
        if block.provider != "openai":
            return b""
        if block.name == "audio":
            return self._chunk(block.choice, {"audio": Raw(text.encode())})
        return self._chunk(block.choice, {"images": [Raw(text.encode())]}) if block.name == "image" else b""

    def _state(self, block: _Open, opaque: Opaque) -> bytes:
        if block.kind in ("tool_call", "custom_tool_call"):
            nothing = {"custom": {"input": ""}} if block.kind == "custom_tool_call" else {"function": {"arguments": ""}}
            call = {"index": block.number, **nothing, "extra_content": signed(opaque)}
            return self._chunk(block.choice, {"tool_calls": [call]})
        text = "".join(block.pieces) if block.kind in ("reasoning", "summary") else ""
        number = self._count(block.choice, "reasoning_details")
        return self._chunk(block.choice, {"reasoning_details": [detail_of(opaque, text, number)]})

    def _weigh(self, block: _Open, raw: bytes) -> bytes:
        return self._chunk(block.choice, {}, logprobs=weights(block.kind, [raw]))

    def _reason(self, finish: Finish) -> str:
        refused = any(one.kind == "refusal" and one.choice == finish.choice for one in self._blocks.values())
        return finish_of(finish, refused)


def head(start: Start, shape: Shape, kind: str) -> dict[str, Any]:
    """What every chunk and completion begins with."""
    said: dict[str, Any] = {
        "id": start.id or shape.id,
        "object": kind,
        "created": start.created or shape.created,
        "model": shape.model,
    }
    if start.service_tier:
        said["service_tier"] = start.service_tier
    return said


def finish_of(finish: Finish, refused: bool) -> str:
    """OpenAI's word; a model's refusal without words of its own is a filter's here."""
    if finish.reason == "refusal" and not refused:
        return "content_filter"
    return _FINISHES.get(finish.reason, "stop")


def call_of(start: BlockStart, arguments: str = "") -> dict[str, Any]:
    """A tool call of the dialect."""
    if start.kind == "custom_tool_call":
        return {"id": start.id, "type": "custom", "custom": {"name": start.name, "input": arguments}}
    return {"id": start.id, "type": "function", "function": {"name": start.name, "arguments": arguments}}


def signed(opaque: Opaque) -> dict[str, Any]:
    """Google's own place for the signature of a call; clients echo it."""
    value = opaque.value if opaque.provider == "gemini" else seal(opaque)
    return {"google": {"thought_signature": value}}


def detail_of(opaque: Opaque, text: str, number: int) -> Any:
    """State in OpenRouter's form, which clients echo; with the text it signs."""
    if opaque.provider == "openai" and opaque.value.startswith("{"):
        return {"index": number, **msgspec.json.decode(opaque.value)}
    if opaque.kind == "signature" and text:
        return {"type": "reasoning.text", "text": text, "signature": seal(opaque), "index": number}
    return {"type": "reasoning.encrypted", "data": seal(opaque), "index": number}


def annotation(citation: Citation) -> dict[str, Any]:
    """A citation as the dialect's `url_citation`."""
    if citation.provider == "openai" and citation.raw:
        try:
            said: dict[str, Any] = msgspec.json.decode(citation.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):  # a number that no float holds: JSON, but not to be had
            said = {}
        if "url_citation" in said:
            return said
    source = {
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start,
        "end_index": citation.end,
    }
    if citation.quote:
        source["content"] = citation.quote
    return {"type": "url_citation", "url_citation": source}


def weights(kind: str, raws: list[bytes]) -> Raw:
    """Log probabilities of a choice; lists are joined as they stand."""
    joined = b",".join(inner for raw in raws if (inner := raw.strip()[1:-1].strip()))
    text, refusal = (b"null", b"[%b]" % joined) if kind == "refusal" else (b"[%b]" % joined, b"null")
    return Raw(b'{"content":%b,"refusal":%b}' % (text, refusal))


def write_reply(events: Iterable[Event], shape: Shape) -> bytes:
    """A whole completion. Raises Refusal upstream_failed when the events hold a failure."""
    answer = gather(events)
    if answer.failed is not None:
        raise Refusal("upstream_failed", "The provider failed.", reason=answer.failed.message)
    said = head(answer.start, shape, "chat.completion")
    said["choices"] = [_choice(answer, number) for number in answer.choices]
    if answer.usage is not None:
        said["usage"] = write_usage(answer.usage)
    return _encode(said)


def _choice(answer: Answer, number: int) -> dict[str, Any]:
    blocks = answer.of(number)
    refused = any(block.kind == "refusal" for block in blocks)
    weighed = [block for block in blocks if block.logprobs]
    return {
        "index": number,
        "message": _message(blocks),
        "logprobs": weights(weighed[0].kind, [raw for one in weighed for raw in one.logprobs]) if weighed else None,
        "finish_reason": finish_of(answer.finishes.get(number, Finish("stop")), refused),
    }


def _message(blocks: list[Block]) -> dict[str, Any]:
    texts = [block.text for block in blocks if block.kind == "text"]
    refusals = [block.text for block in blocks if block.kind == "refusal"]
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if thought := "".join(block.text for block in blocks if block.kind in ("reasoning", "summary")):
        said["reasoning_content"] = thought
    states = [(opaque, block) for block in blocks if "tool" not in block.kind for opaque in block.opaque]
    if states:
        said["reasoning_details"] = [
            detail_of(opaque, "" if block.kind == "text" else block.text, number)
            for number, (opaque, block) in enumerate(states)
        ]
    if cited := [annotation(one) for block in blocks for one in block.citations]:
        said["annotations"] = cited
    if calls := [_call(block) for block in blocks if block.kind in ("tool_call", "custom_tool_call")]:
        said["tool_calls"] = calls
    own = [block for block in blocks if block.kind == "native" and block.provider == "openai"]
    for block in own:
        if block.name == "audio":
            said["audio"] = Raw(block.text.encode())
    if images := [Raw(block.text.encode()) for block in own if block.name == "image"]:
        said["images"] = images
    return said


def _call(block: Block) -> dict[str, Any]:
    call = call_of(BlockStart(0, block.kind, id=block.id, name=block.name), block.text)
    if block.opaque:
        call["extra_content"] = signed(block.opaque[-1])
    return call
