"""Gemini's answers, streamed (server-sent events, whatever their line ends) or whole, as neutral events."""

from datetime import datetime
from itertools import count

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.gemini_choice import NOTHING, Choice, Part
from triplegate.wire.gemini_errors import read_in_band
from triplegate.wire.gemini_usage import read_tier, read_usage
from triplegate.wire.neutral_events import Event, Failed, Finish, Start, Unknown, UsageSeen
from triplegate.wire.sse import MOST, SseReader


class _Content(msgspec.Struct):
    parts: list[Part] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    index: int | None = None
    content: _Content | None = None
    finish_reason: str | None = None
    grounding_metadata: msgspec.Raw = NOTHING
    citation_metadata: msgspec.Raw = NOTHING
    logprobs_result: msgspec.Raw = NOTHING


class _Feedback(msgspec.Struct, rename="camel", gc=False):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: msgspec.Raw = NOTHING
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: msgspec.Raw = NOTHING


_decode = msgspec.json.Decoder(_Chunk).decode
_objects = msgspec.json.Decoder(list[msgspec.Raw]).decode
_NO_ERROR = (b"", b"null")
_OBJECTS = (b"{", b"[")


class GeminiReader:
    """One answer; `finish` tells the ends, because Gemini says a finish reason on more than one chunk."""

    __slots__ = (
        "_at_line",
        "_choices",
        "_failed",
        "_indexes",
        "_plain",
        "_reply",
        "_size",
        "_sse",
        "_started",
        "_usage",
    )

    def __init__(self) -> None:
        self._sse = SseReader()
        self._choices: dict[int, Choice] = {}
        self._indexes = count()
        self._reply = ""
        self._started = False
        self._failed = False
        self._usage: tuple[bytes, int] = (b"", 0)
        self._plain: list[bytes] | None = None
        """What stands in the stream as bare JSON: errors do, and whole answers of `alt=json`."""
        self._size = 0
        self._at_line = True

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`."""
        if self._plain is not None:
            self._hold(chunk)
            return []
        place = self._bare(chunk)
        events: list[Event] = []
        for event in self._sse.feed(chunk if place < 0 else chunk[:place]):
            self._take_event(event.data, events)
        if place >= 0:
            self._plain = []
            self._hold(chunk[place:])
        return events

    def _bare(self, chunk: bytes) -> int:
        """Where a line begins that is JSON and no event's; -1 = nowhere."""
        if not chunk:
            return -1
        if self._at_line and chunk[:1] in _OBJECTS:
            return 0
        self._at_line = chunk[-1:] == b"\n"
        found = [place + 1 for bracket in _OBJECTS if (place := chunk.find(b"\n" + bracket)) >= 0]
        return min(found, default=-1)

    def _hold(self, chunk: bytes) -> None:
        assert self._plain is not None
        self._size += len(chunk)
        if self._size > MOST:
            raise Refusal("upstream_malformed", "The upstream sent an answer that is too large.")
        self._plain.append(chunk)

    def finish(self) -> list[Event]:
        """What is left, and the ends of what Gemini finished."""
        events: list[Event] = []
        if self._plain is not None:
            self.take_body(b"".join(self._plain), events)
        elif self._sse.pending:
            for event in self._sse.feed(b"\n\n"):
                self._take_event(event.data, events)
        if not self._failed:
            for choice in self._choices.values():
                choice.finish(events)
        return events

    def take_body(self, body: bytes, events: list[Event]) -> None:
        """A whole answer, or an array of pieces of one."""
        if self._failed:
            return
        if body.lstrip()[:1] != b"[":
            self._take_text(body, events)
            return
        try:
            said = _objects(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail(Failed("malformed", "The provider's answer is no JSON."), events)
            return
        for text in said:
            self._take_text(bytes(text), events)

    def end_all(self) -> None:
        """Take every candidate for finished: a whole answer is, even where no reason is said."""
        for choice in self._choices.values():
            choice.finish_reason = choice.finish_reason or "FINISH_REASON_UNSPECIFIED"

    def _take_event(self, data: bytes, events: list[Event]) -> None:
        if not data.strip() or data == b"[DONE]":
            return
        if data[:1] == b"[":
            self.take_body(data, events)
        else:
            self._take_text(data, events)

    def _take_text(self, data: bytes, events: list[Event]) -> None:
        if self._failed:
            return
        try:
            chunk = _decode(data)
            self._take(chunk, events)
        except msgspec.ValidationError:
            events.append(Unknown("gemini", data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            self._fail(Failed("malformed", f"The provider's event cannot be read: {error}"), events)

    def _fail(self, failed: Failed, events: list[Event]) -> None:
        self._failed = True
        events.append(failed)

    def _take(self, chunk: _Chunk, events: list[Event]) -> None:
        if bytes(chunk.error) not in _NO_ERROR:
            self._fail(read_in_band(chunk.error), events)
            return
        if not self._started:
            self._started = True
            self._reply = chunk.response_id or ""
            tier = read_tier(chunk.usage_metadata)
            events.append(Start(self._reply, chunk.model_version or "", _seconds(chunk.create_time), tier))
        for candidate in chunk.candidates or ():
            self._take_candidate(candidate, events)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason and not self._choices:
            self._choice(0).blocked(chunk.prompt_feedback.block_reason)
        self._take_usage(chunk.usage_metadata, events)

    def _choice(self, number: int) -> Choice:
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = Choice(number, self._indexes, self._reply)
        return choice

    def _take_candidate(self, candidate: _Candidate, events: list[Event]) -> None:
        choice = self._choice(candidate.index or 0)
        if candidate.content is not None:
            for part in candidate.content.parts or ():
                choice.part(part, events)
        if candidate.finish_reason:
            choice.finish_reason = candidate.finish_reason
        try:
            choice.weigh(candidate.logprobs_result, events)
            choice.cite(candidate.grounding_metadata, candidate.citation_metadata, events)
        except msgspec.DecodeError:  # what stands beside the text must not cost the text
            events.append(Unknown("gemini", bytes(candidate.grounding_metadata)))

    def _take_usage(self, raw: msgspec.Raw, events: list[Event]) -> None:
        searches = sum(choice.searches for choice in self._choices.values())
        said = (bytes(raw), searches)
        if not raw or said == self._usage:
            return
        usage = read_usage(raw)
        if usage is not None:
            self._usage = said
            if searches:
                usage.tool_units = f'{{"web_searches":{searches}}}'
            events.append(UsageSeen(usage))


def _seconds(moment: str | None) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp()) if moment else 0
    except ValueError:
        return 0


def read_reply(body: bytes) -> list[Event]:
    """A whole answer. Raises Refusal upstream_malformed when it is none, or holds neither a candidate nor a reason."""
    reader = GeminiReader()
    events: list[Event] = []
    reader.take_body(body, events)
    reader.end_all()
    events += reader.finish()
    if not any(isinstance(event, Finish | Failed) for event in events):
        raise Refusal("upstream_malformed", "The provider's answer holds no candidate.")
    failed = next((event for event in events if isinstance(event, Failed) and event.kind == "malformed"), None)
    if failed is not None:
        raise Refusal("upstream_malformed", failed.message)
    return events
