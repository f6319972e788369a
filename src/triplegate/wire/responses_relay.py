"""A Responses stream looked at from the side while its bytes are relayed: content, usage, end and errors."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.neutral_events import Failed
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.responses_usage import Reply, used
from triplegate.wire.sse import MOST, SseCutter, data_of, spans

NOTHING = msgspec.Raw(b"")
_NOT_SAID = frozenset({b"", b"null"})


class _Why(msgspec.Struct, gc=False):
    reason: str | None = None


class _Response(Reply, gc=False):
    id: str | None = None
    model: str | None = None
    error: msgspec.Raw = NOTHING
    incomplete_details: _Why | None = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    response: _Response | None = None
    error: msgspec.Raw = NOTHING


_event = msgspec.json.Decoder(_Event).decode
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_MESSAGE = (b'"type":"message"', b'"type": "message"', b'"type":"reasoning"', b'"type": "reasoning"')


class ResponsesStream:
    """One stream; feed it what comes, send on what it gives back: whole events, every byte as it came."""

    __slots__ = ("_cutter", "broken", "content", "done", "error", "finish_reason", "id", "model", "pieces", "usage")

    def __init__(self, most: int = MOST) -> None:
        self._cutter = SseCutter(most)
        self.content = self.broken = False
        self.pieces = 0
        self.finish_reason = ""
        self.usage: Usage | None = None
        self.error: Failed | None = None
        self.done = False
        """True once the response is completed, incomplete or failed."""
        self.model = self.id = ""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far."""
        block = self._cutter.feed(chunk)
        for start, end in spans(block):
            self._look(block[start:end])
        return block

    def finish(self) -> bytes:
        """What was held when the upstream ended its message; an event that is whole but for its blank line counts."""
        rest = self._cutter.rest()
        if not rest.strip():
            return rest
        event = rest + b"\n\n"
        return event if self._look(event) else b""

    def _look(self, event: bytes) -> bool:
        """Deltas are most of a stream: they are told by their type alone, which stands at their beginning."""
        if b".delta" in event[:80] and b"event: error" not in event[:16]:
            self.pieces += 1
            self.content = True
            return True
        data = data_of(event).strip()
        if not data or data == b"[DONE]":
            return True
        try:
            said = _event(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        self._note(said, data)
        return True

    def _note(self, said: _Event, data: bytes) -> None:
        if said.type == "error" or bytes(said.error) not in _NOT_SAID:
            self.error = read_in_band(said.error if bytes(said.error) not in _NOT_SAID else data)
        if said.response is not None:
            self._note_response(said.response)
        if said.type in _ENDS:
            self.done = said.type in ("response.completed", "response.incomplete")
            self.finish_reason = said.type.removeprefix("response.")
            if said.response is not None and said.response.incomplete_details is not None:
                self.finish_reason = said.response.incomplete_details.reason or self.finish_reason
            if not self.done and self.error is None:
                self.error = Failed("transient", "The provider failed.")
        elif said.type.endswith(".delta") or (
            said.type == "response.output_item.added" and not any(word in data for word in _MESSAGE)
        ):
            self.pieces += 1
            self.content = True

    def _note_response(self, said: _Response) -> None:
        if not self.id:
            self.id, self.model = said.id or "", said.model or ""
        self.usage = used(said) or self.usage
        if bytes(said.error) not in _NOT_SAID:
            self.error = read_in_band(said.error)
