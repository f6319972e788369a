"""Streams of pictures, of speech and of what was heard, looked at from the side while their bytes are relayed."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.json_members import is_object
from triplegate.wire.neutral_events import Failed
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.openai_media import MediaTokens, counted
from triplegate.wire.sse import SseCutter, data_of, spans

MOST_PICTURE = 33_554_432
"""Bytes one event may have: a whole picture stands in one."""
_PARTIAL = 100
"""Output tokens of a picture that is shown before it is done."""
_PICTURE = 1_056
"""Output tokens of a square picture of middling quality: what one is taken for that was begun and never counted."""
_NOTHING = msgspec.Raw(b"")
_NOT_SAID = frozenset({b"", b"null"})


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING


_event = msgspec.json.Decoder(_Event).decode
_tokens = msgspec.json.Decoder(MediaTokens | None, strict=False).decode


class MediaStream:
    """One stream; feed it what comes, send on what it gives back: whole events, every byte as it came."""

    __slots__ = (
        "_cutter",
        "_pictures",
        "_tokens",
        "broken",
        "content",
        "done",
        "error",
        "finish_reason",
        "id",
        "model",
        "pieces",
    )

    def __init__(self, strip_usage: bool = False, most: int = MOST_PICTURE) -> None:
        """`strip_usage` means nothing here: these streams always tell."""
        self._cutter = SseCutter(most)
        self._tokens: MediaTokens | None = None
        self._pictures = 0
        self.content = self.done = self.broken = False
        self.pieces = 0
        self.finish_reason = self.id = self.model = ""
        self.error: Failed | None = None

    @property
    def usage(self) -> Usage | None:
        """What the provider said; pictures are counted where they were done."""
        if self._tokens is None and not self._pictures:
            return None
        return counted(self._tokens, {"images": self._pictures} if self._pictures else {})

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far."""
        return self._look(self._cutter.feed(chunk))

    def finish(self) -> bytes:
        """What was held when the upstream ended its message; an event that is whole but for its blank line counts."""
        rest = self._cutter.rest()
        if not rest.strip():
            return rest
        return b"" if self.broken or not is_object(data_of(rest)) else self._look(rest + b"\n\n")

    def _look(self, block: bytes) -> bytes:
        for start, end in spans(block):
            if self.broken or not self._take(block[start:end]):
                self.broken = True
                self.error = self.error or Failed("malformed", "The provider's event is malformed.")
                return block[:start]
        return block

    def _take(self, event: bytes) -> bool:
        data = data_of(event).strip()
        if not data:
            return True
        if data == b"[DONE]":
            self.done = True
            return True
        try:
            said = _event(data)
        except msgspec.ValidationError:
            return is_object(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if said.type == "error" or bytes(said.error) not in _NOT_SAID:
            self.error = read_in_band(said.error if bytes(said.error) not in _NOT_SAID else data)
        elif said.type:
            self._note(said)
        return True

    def _note(self, said: _Event) -> None:
        image, (_, _, word) = said.type.startswith("image"), said.type.rpartition(".")
        if not self.content and image:
            self.pieces = _PICTURE
        self.content = True
        if word in ("completed", "done"):
            self.finish_reason = word
            self._pictures += image
            self._tokens = _read(said.usage) or self._tokens
        else:
            self.pieces += _PARTIAL if image else 1


def _read(raw: msgspec.Raw) -> MediaTokens | None:
    try:
        return _tokens(raw) if len(raw) else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
