"""An Anthropic stream looked at from the side while its bytes pass: content, usage, end and errors."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.anthropic_failures import read_in_band
from triplegate.wire.anthropic_usage import Reported, merged, read_reported, usage_of
from triplegate.wire.neutral_events import Failed
from triplegate.wire.sse import MOST, SseCutter, data_of, spans

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
_PLAIN = (b"event: content_block_delta\n", b"event: ping\n")


class MessagesRelay:
    """One stream; feed it what comes, send on what it gives back: whole events only, as they came."""

    __slots__ = (
        "_cutter",
        "_reported",
        "broken",
        "content",
        "done",
        "error",
        "finish_reason",
        "id",
        "malformed",
        "model",
        "pieces",
    )

    def __init__(self, strip_usage: bool = False, most: int = MOST) -> None:
        """`strip_usage` means nothing here: the dialect always tells."""
        self._cutter = SseCutter(most)
        self._reported: Reported | None = None
        self.content = self.done = self.broken = False
        self.pieces = self.malformed = 0
        self.finish_reason = self.id = self.model = ""
        self.error: Failed | None = None

    @property
    def usage(self) -> Usage | None:
        """What the provider said so far; its first word counts the input, later ones replace it."""
        return None if self._reported is None else usage_of(self._reported)

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far."""
        block = self._cutter.feed(chunk)
        if block:
            self._look(block)
        return block

    def finish(self) -> bytes:
        """What was held when the upstream ended its message; an event whole but for its blank line counts."""
        rest = self._cutter.rest()
        if not rest.strip():
            return rest
        malformed = self.malformed
        event = rest + b"\n\n"
        self._look(event)
        return event if self.malformed == malformed else b""

    def _look(self, block: bytes) -> None:
        for start, end in spans(block):
            if block.startswith(_PLAIN[0], start):
                self.pieces += 1
                self.content = True
            elif not block.startswith(_PLAIN[1], start):
                self._take(block[start:end])

    def _take(self, event: bytes) -> None:
        data = data_of(event)
        if not data.strip():
            return
        try:
            said = _event(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.malformed += 1
            return
        match said.type:
            case "message_start" if said.message is not None:
                self.id, self.model = said.message.id, said.message.model
                self._use(said.message.usage)
            case "content_block_start":
                # text and thoughts begin empty; a tool's or server's block is content by itself
                self.content = self.content or (b'"text"' not in data[:160] and b'"thinking"' not in data[:160])
            case "content_block_delta":
                self.pieces += 1
                self.content = True
            case "message_delta":
                self._use(said.usage)
                if said.delta is not None and said.delta.stop_reason:
                    self.finish_reason = said.delta.stop_reason
            case "message_stop":
                self.done = True
            case "error":
                self.error = read_in_band(data)

    def _use(self, raw: msgspec.Raw) -> None:
        reported = read_reported(raw)
        if reported is not None:
            self._reported = merged(self._reported, reported)
