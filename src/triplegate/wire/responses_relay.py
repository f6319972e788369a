"""A Responses stream looked at from the side while its bytes are relayed: content, usage, end and errors."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.json_members import is_object
from triplegate.wire.neutral_events import Failed
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.relaying import EventRelay, tokens_of_piece
from triplegate.wire.responses_usage import Reply, used
from triplegate.wire.sse import MOST

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
    delta: msgspec.Raw = NOTHING


_event = msgspec.json.Decoder(_Event).decode
_LONG = 640
"""Bytes of an event that may hold more than a token or two."""
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_MESSAGE = (b'"type":"message"', b'"type": "message"', b'"type":"reasoning"', b'"type": "reasoning"')


def _json_of(event: bytes) -> bytes:
    """The data of an event as it is usually written: the rest of its bytes, on one line."""
    return event[event.find(b"data: ") + 6 : -2]


class ResponsesStream(EventRelay):
    """One stream; every byte passes as it came."""

    __slots__ = ("usage",)

    def __init__(self, most: int = MOST) -> None:
        super().__init__(most)
        self.usage: Usage | None = None

    def _take(self, event: bytes) -> bool:
        """Deltas are most of a stream: they are told by their type alone, and only checked to be whole."""
        if (
            b".delta" in event[:80]
            and len(event) <= _LONG
            and b"event: error" not in event[:16]
            and is_object(_json_of(event))
        ):
            self.pieces += 1
            self.content = True
            return True
        return super()._take(event)

    def _note(self, data: bytes, event: bytes) -> bool:
        said = _event(data)
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
            self.pieces += tokens_of_piece(len(said.delta))
            self.content = True
        return True

    def _note_response(self, said: _Response) -> None:
        if not self.id:
            self.id, self.model = said.id or "", said.model or ""
        self.usage = used(said) or self.usage
        if bytes(said.error) not in _NOT_SAID:
            self.error = read_in_band(said.error)
