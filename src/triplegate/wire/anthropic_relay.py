"""An Anthropic stream looked at from the side while its bytes pass: content, usage, end and errors."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.anthropic_failures import read_in_band
from triplegate.wire.anthropic_usage import Reported, merged, read_reported, usage_of
from triplegate.wire.json_members import is_object
from triplegate.wire.relaying import EventRelay
from triplegate.wire.sse import MOST

_NOTHING = msgspec.Raw(b"")


class _Message(msgspec.Struct, gc=False):
    id: str = ""
    model: str = ""
    usage: msgspec.Raw = _NOTHING


class _Delta(msgspec.Struct, gc=False):
    stop_reason: str | None = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    message: _Message | None = None
    delta: _Delta | None = None
    usage: msgspec.Raw = _NOTHING


_event = msgspec.json.Decoder(_Event).decode
_DELTA, _PING = b"event: content_block_delta\ndata: ", b"event: ping\n"
_AROUND = 120
"""Bytes of such an event around what it says."""
_SIGNATURE = b'"signature_delta"'


class MessagesRelay(EventRelay):
    """One stream; every byte passes as it came."""

    __slots__ = ("_reported",)

    def __init__(self, strip_usage: bool = False, most: int = MOST) -> None:
        """`strip_usage` means nothing here: the dialect always tells."""
        super().__init__(most)
        self._reported: Reported | None = None

    @property
    def usage(self) -> Usage | None:
        """What the provider said so far; its first word counts the input, later ones replace it."""
        return None if self._reported is None else usage_of(self._reported)

    def _take(self, event: bytes) -> bool:
        """Deltas are most of a stream: they are told by their name alone, and only checked to be whole."""
        if event.startswith(_DELTA) and is_object(event[len(_DELTA) : -2]):
            self._count(event)
            return True
        return event.startswith(_PING) or super()._take(event)

    def _note(self, data: bytes, event: bytes) -> bool:
        said = _event(data)
        match said.type:
            case "message_start" if said.message is not None:
                self.id, self.model = said.message.id, said.message.model
                self._use(said.message.usage)
            case "content_block_start":
                # text and thoughts begin empty; a tool's or server's block is content by itself
                self.content = self.content or (b'"text"' not in data[:160] and b'"thinking"' not in data[:160])
            case "content_block_delta":
                self._count(event)
            case "message_delta":
                self._use(said.usage)
                if said.delta is not None and said.delta.stop_reason:
                    self.finish_reason = said.delta.stop_reason
            case "message_stop":
                self.done = True
            case "error":
                self.error = read_in_band(data)
        return True

    def _count(self, event: bytes) -> None:
        """A piece holds several tokens here; a signature none."""
        self.pieces += 1 if _SIGNATURE in event[:_AROUND] else max(1, (len(event) - _AROUND) // 4)
        self.content = True

    def _use(self, raw: msgspec.Raw) -> None:
        reported = read_reported(raw)
        if reported is not None:
            self._reported = merged(self._reported, reported)
