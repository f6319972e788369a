"""A stream looked at from the side while its bytes pass: only whole events that can be read go on to the client."""

import msgspec

from triplegate.wire.json_members import is_object
from triplegate.wire.neutral_events import Failed
from triplegate.wire.sse import MOST, SseCutter, data_of, spans

_SHORT = 64
"""Bytes of a piece that is taken for one token."""


def tokens_of_piece(size: int) -> int:
    """About how many tokens a piece of so many bytes is: most are one, some vendors send whole paragraphs."""
    return 1 if size <= _SHORT else size // 4


_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class EventRelay:
    """One stream; feed it what comes, send on what it gives back. A dialect says what an event means in `_note`."""

    __slots__ = ("_cutter", "broken", "content", "done", "error", "finish_reason", "id", "model", "pieces")

    def __init__(self, most: int = MOST) -> None:
        self._cutter = SseCutter(most)
        self.content = False
        """True once a part of the answer was seen."""
        self.pieces = 0
        """About the tokens seen, one an event unless it is long: for streams that are cut before their usage."""
        self.finish_reason = ""
        self.model = self.id = ""
        self.error: Failed | None = None
        self.broken = False
        """An event could not be read: neither it nor what follows it is given back."""
        self.done = False
        """True once the dialect's own end was seen."""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far; the very object when nothing had to be held or dropped."""
        block = self._cutter.feed(chunk)
        return self._look(block) if block else block

    def finish(self) -> bytes:
        """What was held when the upstream ended its message; an event that is whole but for its blank line counts."""
        rest = self._cutter.rest()
        if not rest.strip():
            return rest
        data = data_of(rest).strip()
        if data and not data.startswith(b"[DONE]") and not is_object(data):
            return b""
        return self._look(rest + b"\n\n")

    def _look(self, block: bytes) -> bytes:
        """The events of `block` that are for the client, up to the first that cannot be read."""
        if self.broken:
            return b""
        kept: list[bytes] = []
        for start, end in spans(block):
            event = block[start:end]
            try:
                if self._take(event):
                    kept.append(event)
            except _BROKEN:
                self.broken = True
                if self.error is None:
                    self.error = Failed("malformed", "The provider's event is malformed.")
                break
        passing = b"".join(kept)
        return block if len(passing) == len(block) else passing

    def _take(self, event: bytes) -> bool:
        """Note what one event says; False when it is not for the client. Raises what a decoder raises."""
        data = data_of(event).strip()
        if not data:
            return True
        if data.startswith(b"[DONE]"):
            self._mark()
            return True
        str(data, "utf-8")  # what decoders skip they do not look at
        try:
            return self._note(data, event)
        except msgspec.ValidationError:  # JSON of another shape than ours: clients may know it
            if is_object(data):
                return True
            raise

    def _mark(self) -> None:
        """`[DONE]` was seen."""

    def _note(self, data: bytes, event: bytes) -> bool:
        """Note what the JSON of one event says; False when it is not for the client. Raises what a decoder raises."""
        raise NotImplementedError
