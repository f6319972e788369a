"""Streams of pictures, of speech and of what was heard, looked at from the side while their bytes are relayed."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.openai_media import MediaTokens, counted
from triplegate.wire.relaying import EventRelay

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


class MediaStream(EventRelay):
    """One stream; every byte passes as it came."""

    __slots__ = ("_pictures", "_tokens")

    def __init__(self, strip_usage: bool = False, most: int = MOST_PICTURE) -> None:
        """`strip_usage` means nothing here: these streams always tell."""
        super().__init__(most)
        self._tokens: MediaTokens | None = None
        self._pictures = 0

    @property
    def usage(self) -> Usage | None:
        """What the provider said; pictures are counted where they were done."""
        if self._tokens is None and not self._pictures:
            return None
        return counted(self._tokens, {"images": self._pictures} if self._pictures else {})

    def _mark(self) -> None:
        self.done = True

    def _note(self, data: bytes, event: bytes) -> bool:
        said = _event(data)
        if said.type == "error" or bytes(said.error) not in _NOT_SAID:
            self.error = read_in_band(said.error if bytes(said.error) not in _NOT_SAID else data)
        elif said.type:
            self._count(said)
        return True

    def _count(self, said: _Event) -> None:
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
