"""Bedrock's answers (Converse), as a binary stream or whole, as neutral events."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.aws_event_stream import EventStream, Message
from triplegate.wire.bedrock_blocks import NOTHING, Blocks, Thought, ToolStart
from triplegate.wire.bedrock_errors import read_exception
from triplegate.wire.bedrock_usage import read_usage
from triplegate.wire.neutral_events import Event, Failed, Finish, Reason, Start, Unknown, UsageSeen


class _Input(msgspec.Struct, gc=False):
    input: str | None = None


class _Begun(msgspec.Struct, rename="camel"):
    tool_use: ToolStart | None = None


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _Input | None = None
    reasoning_content: Thought | None = None
    citation: msgspec.Raw = NOTHING


class _Tier(msgspec.Struct, gc=False):
    type: str | None = None


class _Router(msgspec.Struct, rename="camel", gc=False):
    invoked_model_id: str | None = None


class _Trace(msgspec.Struct, rename="camel"):
    prompt_router: _Router | None = None


class _Event(msgspec.Struct, rename="camel"):
    content_block_index: int | None = None
    start: _Begun | None = None
    delta: _Delta | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = NOTHING
    service_tier: _Tier | None = None


class _Called(ToolStart, rename="camel"):
    input: msgspec.Raw = NOTHING


class _Cited(msgspec.Struct):
    content: list[_Delta] | None = None
    citations: list[msgspec.Raw] | None = None


class _Content(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _Called | None = None
    reasoning_content: Thought | None = None
    citations_content: _Cited | None = None


class _Answer(msgspec.Struct):
    content: list[msgspec.Raw] | None = None


class _Output(msgspec.Struct):
    message: _Answer | None = None


class _Reply(msgspec.Struct, rename="camel"):
    output: _Output | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = NOTHING
    service_tier: _Tier | None = None
    trace: _Trace | None = None


_event = msgspec.json.Decoder(_Event).decode
_reply = msgspec.json.Decoder(_Reply).decode
_content = msgspec.json.Decoder(_Content).decode

_REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "pause_turn": "pause",
}


class BedrockReader:
    """One streamed answer. Usage follows the stop, so the finish waits for it, or for the stream's end."""

    __slots__ = ("_blocks", "_ended", "_started", "_stop", "_stream")

    def __init__(self) -> None:
        self._stream = EventStream()
        self._blocks = Blocks()
        self._stop: str | None = None
        self._started = False
        self._ended = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`. A damaged byte is a failure behind what was whole before it."""
        if self._ended:
            return []
        try:
            for message in self._stream.feed(chunk):
                if not self._ended:
                    self._take(message)
        except Refusal as refusal:
            self._fail(Failed("malformed", f"{refusal.detail} {refusal.reason}".strip()))
        return self._blocks.taken()

    def finish(self) -> list[Event]:
        """What is left: the finish, where the provider said why it stopped and nothing of usage."""
        if not self._ended:
            self._blocks.end_all()
            self._finish()
        return self._blocks.taken()

    def _fail(self, failed: Failed) -> None:
        self._ended = True
        self._blocks.events.append(failed)

    def _take(self, message: Message) -> None:
        if message.text(":message-type") in ("exception", "error"):
            name = message.text(":exception-type") or message.text(":error-code")
            self._fail(read_exception(name, message.payload, message.text(":error-message")))
            return
        try:
            known = self._take_event(message.text(":event-type"), _event(message.payload))
        except msgspec.ValidationError:
            known = False
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail(Failed("malformed", "The provider's event is no JSON."))
            return
        if not known:
            self._blocks.events.append(Unknown("bedrock", message.payload))

    def _take_event(self, kind: str, event: _Event) -> bool:
        """False for what has no meaning here. Raises msgspec.ValidationError."""
        number = event.content_block_index or 0
        if not self._started:
            self._started = True
            self._blocks.events.append(Start())
        match kind:
            case "messageStart":
                pass
            case "contentBlockStart":
                return _begin(self._blocks, number, event.start)
            case "contentBlockDelta":
                return _more(self._blocks, number, event.delta or _Delta())
            case "contentBlockStop":
                self._blocks.end(number)
            case "messageStop":
                self._blocks.end_all()
                self._stop = event.stop_reason or "end_turn"
            case "metadata":
                _tell_usage(self._blocks, event.usage, event.service_tier)
                self._finish()
            case _:
                return False
        return True

    def _finish(self) -> None:
        if self._stop is not None:
            self._ended = True
            self._blocks.end_all()
            _tell_finish(self._blocks, self._stop)


def _begin(blocks: Blocks, number: int, begun: _Begun | None) -> bool:
    call = begun.tool_use if begun is not None else None
    if call is None or call.type == "server_tool_use":
        return False
    blocks.begin_call(number, call)
    return True


def _more(blocks: Blocks, number: int, delta: _Delta) -> bool:
    if delta.tool_use is not None:
        return blocks.arguments(number, delta.tool_use.input or "")
    if delta.text is not None:
        blocks.text(number, delta.text)
    elif delta.reasoning_content is not None:
        blocks.think(number, delta.reasoning_content)
    elif delta.citation:
        blocks.cite(number, delta.citation)
    else:
        return False
    return True


def _tell_usage(blocks: Blocks, raw: msgspec.Raw, tier: _Tier | None) -> None:
    usage = read_usage(raw, (tier.type if tier is not None else None) or "")
    if usage is not None:
        blocks.events.append(UsageSeen(usage))


def _tell_finish(blocks: Blocks, said: str) -> None:
    """Some models stop for a call and say that their turn has ended."""
    reason = _REASONS.get(said, "stop")
    if reason == "stop" and blocks.called:
        reason = "tool_calls"
    blocks.events.append(Finish(reason, said))


def read_reply(body: bytes) -> list[Event]:
    """A whole answer. Raises Refusal upstream_malformed when it is none."""
    try:
        reply = _reply(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("upstream_malformed", f"The provider's answer cannot be read: {error}") from error
    if reply.output is None or reply.output.message is None:
        raise Refusal("upstream_malformed", "The provider's answer holds no message.")
    router = reply.trace.prompt_router if reply.trace is not None else None
    blocks = Blocks()
    blocks.events.append(Start(model=(router.invoked_model_id if router is not None else None) or ""))
    for number, raw in enumerate(reply.output.message.content or ()):
        try:
            known = _whole(blocks, number, _content(raw))
        except msgspec.ValidationError:
            known = False
        if not known:
            blocks.events.append(Unknown("bedrock", bytes(raw)))
        blocks.end(number)
    _tell_usage(blocks, reply.usage, reply.service_tier)
    _tell_finish(blocks, reply.stop_reason or "end_turn")
    return blocks.events


def _whole(blocks: Blocks, number: int, content: _Content) -> bool:
    """A block of a whole answer; False for what has no meaning here."""
    if (call := content.tool_use) is not None:
        if call.type == "server_tool_use":
            return False
        blocks.begin_call(number, call)
        return blocks.arguments(number, bytes(call.input or b"{}").decode())
    if content.text is not None:
        blocks.text(number, content.text)
    elif content.reasoning_content is not None:
        blocks.think(number, content.reasoning_content)
    elif (cited := content.citations_content) is not None:
        blocks.text(number, "".join(one.text or "" for one in cited.content or ()))
        for raw in cited.citations or ():
            blocks.cite(number, raw)
    else:
        return False
    return True
