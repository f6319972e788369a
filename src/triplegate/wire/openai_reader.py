"""OpenAI chat answers and those of its relatives, streamed or whole, as neutral events."""

from itertools import count

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import Event, Failed, Finish, Start, Unknown, UsageSeen
from triplegate.wire.openai_choice import NOTHING, Choice, Said
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.openai_usage import read_usage, tier_of
from triplegate.wire.sse import MOST, SseReader


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: Said | None = None
    message: Said | None = None
    """A whole answer, or what some backends send instead of deltas."""
    finish_reason: str | None = None
    logprobs: msgspec.Raw = NOTHING


class _Groq(msgspec.Struct, gc=False):
    usage: msgspec.Raw = NOTHING


class _Chunk(msgspec.Struct):
    id: str | int | None = None
    model: str | None = None
    created: int | float | str | None = None
    service_tier: str | None = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    x_groq: _Groq | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_NOT_SAID = frozenset({b"", b"null"})


class ChatReader:
    """One answer. Ends are told at the stream's end, because relatives say more behind a finish reason."""

    __slots__ = ("_choices", "_done", "_failed", "_indexes", "_reply", "_sse", "_started", "_tier", "_usage")

    def __init__(self, most: int = MOST) -> None:
        self._sse = SseReader(most)
        self._choices: dict[int, Choice] = {}
        self._indexes = count()
        self._reply = ""
        self._started = self._failed = self._done = False
        self._usage = b""
        self._tier = ""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`."""
        events: list[Event] = []
        for event in self._sse.feed(chunk):
            self._take_event(event.data, event.event == "error", events)
        return events

    def finish(self) -> list[Event]:
        """What is left, when the stream ended without `[DONE]`."""
        events: list[Event] = []
        if self._sse.pending:
            for event in self._sse.feed(b"\n\n"):
                self._take_event(event.data, event.event == "error", events)
        self._end(events)
        return events

    def take(self, text: bytes, events: list[Event], *, is_error: bool = False) -> None:
        """One chunk, or a whole answer."""
        if self._failed or self._done:
            return
        try:
            chunk = _decode(text)
        except msgspec.ValidationError:
            events.append(Unknown("openai", text))
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(Failed("malformed", f"The provider's event cannot be read: {error}"), events)
            return
        if is_error or bytes(chunk.error) not in _NOT_SAID:
            self._fail(read_in_band(chunk.error if bytes(chunk.error) not in _NOT_SAID else text), events)
            return
        self._take(chunk, events)

    def end(self, events: list[Event]) -> None:
        """The provider said that this was all."""
        self._end(events, said=True)
        self._done = True

    def _take_event(self, data: bytes, is_error: bool, events: list[Event]) -> None:
        data = data.strip()
        if data == b"[DONE]":
            self.end(events)
        elif data:
            self.take(data, events, is_error=is_error)

    def _fail(self, failed: Failed, events: list[Event]) -> None:
        self._failed = True
        events.append(failed)

    def _take(self, chunk: _Chunk, events: list[Event]) -> None:
        if chunk.service_tier:
            self._tier = tier_of(chunk.service_tier)
        if not self._started and (chunk.choices or chunk.id):  # Azure begins with a chunk of filter results
            self._started = True
            self._reply = str(chunk.id or "")
            events.append(Start(self._reply, chunk.model or "", _seconds(chunk.created), chunk.service_tier or ""))
        for said in chunk.choices or ():
            self._take_choice(said, events)
            if self._failed:
                return
        self._take_usage(chunk.usage, events)
        if chunk.x_groq is not None:
            self._take_usage(chunk.x_groq.usage, events)

    def _take_choice(self, said: _Choice, events: list[Event]) -> None:
        number = said.index or 0
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = Choice(number, self._indexes, self._reply)
        try:
            if said.delta is not None:
                choice.more(said.delta, events)
            if said.message is not None:
                choice.whole(said.message, events)
            choice.weigh(said.logprobs, events)
        except msgspec.DecodeError:  # a part of a form nobody knows must not cost the rest
            events.append(Unknown("openai", b"choice"))
        if said.finish_reason == "error":
            self._fail(Failed("transient", "The provider ended its answer with an error."), events)
        elif said.finish_reason:
            choice.finish_reason = said.finish_reason

    def _take_usage(self, raw: msgspec.Raw, events: list[Event]) -> None:
        text = bytes(raw)
        if text in _NOT_SAID or text == self._usage:
            return
        usage = read_usage(raw)
        if usage is not None:
            self._usage = text
            usage.tier = self._tier
            events.append(UsageSeen(usage))

    def _end(self, events: list[Event], *, said: bool = False) -> None:
        if self._failed or self._done:
            return
        for choice in self._choices.values():
            choice.end(events, said=said)


def _seconds(said: float | str | None) -> int:
    return int(said) if isinstance(said, int | float) and 0 <= said < 2**53 else 0


def read_reply(body: bytes) -> list[Event]:
    """A whole answer. Raises Refusal upstream_malformed when it is none, or holds no choice."""
    reader = ChatReader()
    events: list[Event] = []
    reader.take(body, events)
    reader.end(events)
    failed = next((event for event in events if isinstance(event, Failed)), None)
    if failed is not None and failed.kind == "malformed":
        raise Refusal("upstream_malformed", failed.message)
    if failed is None and not any(isinstance(event, Finish) for event in events):
        raise Refusal("upstream_malformed", "The provider's answer holds no choice.")
    return events
