"""Cohere's answers, streamed or whole, as neutral events."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.cohere_blocks import Blocks, Content, ToolCall, read_citation
from triplegate.wire.cohere_errors import read_error
from triplegate.wire.cohere_usage import read_usage
from triplegate.wire.neutral_events import Event, Failed, Finish, Reason, Start, Unknown, UsageSeen
from triplegate.wire.sse import SseReader

_NOTHING = msgspec.Raw(b"")


class _Message(msgspec.Struct):
    """Of a stream; `message-start` has empty lists where later events have one thing each."""

    content: msgspec.Raw = _NOTHING
    tool_plan: str | None = None
    tool_calls: msgspec.Raw = _NOTHING
    citations: msgspec.Raw = _NOTHING


class _Delta(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = _NOTHING
    error: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    id: str | None = None
    index: int | None = None
    delta: _Delta | None = None
    logprobs: msgspec.Raw = _NOTHING
    message: str | None = None


class _Answer(msgspec.Struct):
    content: list[Content] | None = None
    tool_plan: str | None = None
    tool_calls: list[ToolCall] | None = None
    citations: list[msgspec.Raw] | None = None


class _Reply(msgspec.Struct):
    message: _Answer | str | None = None
    id: str | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = _NOTHING
    logprobs: list[msgspec.Raw] | None = None


_event = msgspec.json.Decoder(_Event).decode
_content = msgspec.json.Decoder(Content).decode
_tool_call = msgspec.json.Decoder(ToolCall).decode
_reply = msgspec.json.Decoder(_Reply).decode

_REASONS: dict[str, Reason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "ERROR_LIMIT": "length",
    "USER_CANCEL": "error",
}
_QUIET = ("content-end", "tool-call-end", "citation-end", "debug")
"""A block ends where the next one begins: a text's citations may come behind its end."""
_FAILURES = ("ERROR", "TIMEOUT")


class CohereReader:
    """One streamed answer."""

    __slots__ = ("_blocks", "_ended", "_sse")

    def __init__(self) -> None:
        self._sse = SseReader()
        self._blocks = Blocks()
        self._ended = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`."""
        for event in self._sse.feed(chunk):
            self._take_text(event.data)
        return self._blocks.taken()

    def finish(self) -> list[Event]:
        """What is left: an event that is whole but for its blank line counts."""
        if self._sse.pending:
            for event in self._sse.feed(b"\n\n"):
                self._take_text(event.data)
        if not self._ended:
            self._blocks.close()
        return self._blocks.taken()

    def _take_text(self, data: bytes) -> None:
        if self._ended or not data.strip() or data == b"[DONE]":
            return
        try:
            self._take(_event(data), data)
        except msgspec.ValidationError:
            self._blocks.events.append(Unknown("cohere", data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail(Failed("malformed", "The provider's event is no JSON."))

    def _fail(self, failed: Failed) -> None:
        self._ended = True
        self._blocks.events.append(failed)

    def _take(self, event: _Event, data: bytes) -> None:
        delta = event.delta or _Delta()
        if event.type in _QUIET:
            return
        if event.type == "message-start":
            self._blocks.events.append(Start(event.id or ""))
        elif event.type == "message-end":
            self._end(delta)
        elif not event.type and event.message is not None:
            self._fail(read_error(0, [], data))
        elif not self._take_piece(event, delta.message or _Message()):
            self._blocks.events.append(Unknown("cohere", data))

    def _take_piece(self, event: _Event, message: _Message) -> bool:
        """A piece of the answer; False when it is none."""
        number = event.index or 0
        match event.type:
            case "content-start" | "content-delta":
                self._take_content(_content(message.content or b"{}"), number)
                if event.logprobs:
                    self._blocks.weigh([event.logprobs])
            case "tool-plan-delta":
                self._blocks.begin("reasoning", -1)
                self._blocks.delta(message.tool_plan)
            case "tool-call-start" | "tool-call-delta":
                return self._take_call(_tool_call(message.tool_calls or b"{}"), number, event.type)
            case "citation-start" if message.citations:
                self._blocks.cite(bytes(message.citations))
            case _:
                return False
        return True

    def _take_call(self, call: ToolCall, number: int, kind: str) -> bool:
        if kind == "tool-call-start":
            self._blocks.begin("tool_call", number, call)
        if not self._blocks.has_open("tool_call", number):
            return False
        self._blocks.delta(call.function.arguments if call.function is not None else None)
        return True

    def _take_content(self, content: Content, number: int) -> None:
        thinks = content.type == "thinking" or content.thinking is not None
        self._blocks.begin("reasoning" if thinks else "text", number)
        self._blocks.delta(content.thinking if thinks else content.text)

    def _end(self, delta: _Delta) -> None:
        self._blocks.close()
        self._ended = True
        _tell_end(self._blocks.events, delta.finish_reason, delta.usage, delta.error)


def _tell_end(events: list[Event], reason: str | None, raw: msgspec.Raw, error: str | None) -> None:
    usage = read_usage(raw)
    if usage is not None:
        events.append(UsageSeen(usage))
    if error or reason in _FAILURES:
        events.append(Failed("transient", error or "The provider gave up while it answered.", code=reason or ""))
    elif reason:
        events.append(Finish(_REASONS.get(reason, "stop"), reason))


def read_reply(body: bytes) -> list[Event]:
    """A whole answer. Raises Refusal upstream_malformed when it is none."""
    try:
        reply = _reply(body)
        if not isinstance(reply.message, _Answer):
            raise Refusal("upstream_malformed", "The provider's answer holds no message.")
        return _told(reply, reply.message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("upstream_malformed", f"The provider's answer cannot be read: {error}") from error


def _told(reply: _Reply, answer: _Answer) -> list[Event]:
    blocks = Blocks()
    blocks.events.append(Start(reply.id or ""))
    if answer.tool_plan:
        blocks.begin("reasoning", -1)
        blocks.delta(answer.tool_plan)
    cited = [(raw, read_citation(raw)) for raw in answer.citations or ()]
    for number, content in enumerate(answer.content or ()):
        thinks = content.type == "thinking"
        blocks.begin("reasoning" if thinks else "text", number)
        blocks.delta(content.thinking if thinks else content.text)
        if not thinks and reply.logprobs:
            blocks.weigh(reply.logprobs)
        for raw, citation in cited:
            if (citation.content_index or 0) == number or len(answer.content or ()) == 1:
                blocks.cite(bytes(raw))
    for number, call in enumerate(answer.tool_calls or ()):
        blocks.begin("tool_call", number, call)
        blocks.delta(call.function.arguments if call.function is not None else None)
    blocks.close()
    _tell_end(blocks.events, reply.finish_reason or "COMPLETE", reply.usage, None)
    return blocks.events
