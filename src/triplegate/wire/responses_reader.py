"""Answers of OpenAI's Responses, streamed or whole, as neutral events."""

from collections.abc import Callable
from itertools import count

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import Event, Failed, Finish, Reason, Start, Unknown, UsageSeen
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.openai_usage import tier_of
from triplegate.wire.responses_output import NOTHING, Item, Output
from triplegate.wire.responses_usage import read_usage, units
from triplegate.wire.sse import MOST, SseReader


class _Why(msgspec.Struct, gc=False):
    reason: str | None = None


class _Response(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    service_tier: str | None = None
    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    incomplete_details: _Why | None = None


class _Event(msgspec.Struct):
    type: str = ""
    response: _Response | None = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    item: msgspec.Raw = NOTHING
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    logprobs: msgspec.Raw = NOTHING
    annotation: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


_decode = msgspec.json.Decoder(_Event).decode
_response = msgspec.json.Decoder(_Response).decode
_NOT_SAID = frozenset({b"", b"null"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


class ResponsesReader:
    """One answer; what deltas left out is told when an item, or the response, is done."""

    __slots__ = ("_ended", "_output", "_sse", "_started")

    def __init__(self, most: int = MOST) -> None:
        self._sse = SseReader(most)
        self._output = Output(count())
        self._started = self._ended = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`."""
        events: list[Event] = []
        for event in self._sse.feed(chunk):
            self._take(event.data.strip(), event.event == "error", events)
        return events

    def finish(self) -> list[Event]:
        """What is left of a stream that ended without its end."""
        events: list[Event] = []
        if self._sse.pending:
            for event in self._sse.feed(b"\n\n"):
                self._take(event.data.strip(), event.event == "error", events)
        if not self._ended:
            self._output.end(events)
        return events

    def _take(self, data: bytes, is_error: bool, events: list[Event]) -> None:
        if not data or data == b"[DONE]" or self._ended:
            return
        try:
            said = _decode(data)
            if is_error or said.type == "error" or bytes(said.error) not in _NOT_SAID:
                self._fail(read_in_band(said.error if bytes(said.error) not in _NOT_SAID else data), events)
            elif said.response is not None:
                self.response(said.response, events, ended=said.type in _ENDS)
            else:
                self._take_output(said, data, events)
        except msgspec.ValidationError:
            events.append(Unknown("openai_responses", data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(Failed("malformed", f"The provider's event cannot be read: {error}"), events)

    def _take_output(self, said: _Event, data: bytes, events: list[Event]) -> None:
        take = _TAKES.get(said.type)
        if take is not None:
            take(self._output.item(said.output_index), said, events)
        elif not said.type.startswith("response.") and said.type != "keepalive":
            events.append(Unknown("openai_responses", data))

    def _fail(self, failed: Failed, events: list[Event]) -> None:
        self._ended = True
        events.append(failed)

    def response(self, said: _Response, events: list[Event], *, ended: bool) -> None:
        """The response as a whole, as far as it has come."""
        if not self._started:
            self._started = True
            events.append(Start(said.id or "", said.model or "", int(said.created_at or 0), said.service_tier or ""))
        if not ended:
            return
        for place, raw in enumerate(said.output or ()):
            self._output.item(place).whole(raw, events)
        self._output.end(events)
        usage = read_usage(said.usage)
        if usage is not None:
            usage.tier = tier_of(said.service_tier)
            usage.tool_units = units(self._output.natives)
            events.append(UsageSeen(usage))
        self._close(said, events)

    def _close(self, said: _Response, events: list[Event]) -> None:
        if bytes(said.error) not in _NOT_SAID:
            self._fail(read_in_band(said.error), events)
        elif said.status in ("queued", "in_progress"):
            self._fail(Failed("malformed", f"The provider's response is {said.status}: it is no answer yet."), events)
        elif said.status in ("failed", "cancelled"):
            self._fail(Failed("transient", f"The provider's response is {said.status}."), events)
        else:
            self._ended = True
            why = said.incomplete_details.reason if said.incomplete_details is not None else None
            events.append(Finish(self._reason(said.status, why), why or said.status or ""))

    def _reason(self, status: str | None, why: str | None) -> Reason:
        if status == "incomplete" or why:
            return "content_filter" if why == "content_filter" else "length"
        if self._output.calls:
            return "tool_calls"
        return "refusal" if self._output.refused else "stop"


_Take = Callable[[Item, _Event, list[Event]], None]
_TAKES: dict[str, _Take] = {
    "response.output_item.added": lambda item, said, events: item.begin(said.item, events),
    "response.output_item.done": lambda item, said, events: item.whole(said.item, events),
    "response.output_text.delta": lambda item, said, events: item.text(
        said.content_index, said.delta or "", said.logprobs, events
    ),
    "response.output_text.done": lambda item, said, events: item.rest(
        "text", said.content_index, said.text or "", events
    ),
    "response.output_text.annotation.added": lambda item, said, events: item.cite(
        said.content_index, said.annotation, events
    ),
    "response.refusal.delta": lambda item, said, events: item.more(
        "refusal", said.content_index, said.delta or "", events
    ),
    "response.refusal.done": lambda item, said, events: item.rest(
        "refusal", said.content_index, said.refusal or "", events
    ),
    "response.reasoning_summary_text.delta": lambda item, said, events: item.more(
        "summary", said.summary_index, said.delta or "", events
    ),
    "response.reasoning_summary_text.done": lambda item, said, events: item.rest(
        "summary", said.summary_index, said.text or "", events
    ),
    "response.reasoning_text.delta": lambda item, said, events: item.more(
        "reasoning", said.content_index, said.delta or "", events
    ),
    "response.reasoning_text.done": lambda item, said, events: item.rest(
        "reasoning", said.content_index, said.text or "", events
    ),
    "response.function_call_arguments.delta": lambda item, said, events: item.call(said.delta or "", events),
    "response.function_call_arguments.done": lambda item, said, events: item.called(said.arguments or "", events),
    "response.custom_tool_call_input.delta": lambda item, said, events: item.call(said.delta or "", events),
    "response.custom_tool_call_input.done": lambda item, said, events: item.called(said.input or "", events),
}


def read_reply(body: bytes) -> list[Event]:
    """A whole response. Raises Refusal upstream_malformed when it is none."""
    try:
        said = _response(body)
        if said.output is None and bytes(said.error) in _NOT_SAID:
            raise Refusal("upstream_malformed", "The provider's answer is no response.")
        events: list[Event] = []
        ResponsesReader().response(said, events, ended=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("upstream_malformed", f"The provider's answer cannot be read: {error}") from error
    return events
