"""Every text of raw JSON, changed in its place: all other bytes stay as they came, and all of them where nothing is."""

import base64
import binascii
import json
import re
from typing import Protocol

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode, splice

_TOKEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")([ \t\r\n]*:)?|([{}\[\]])|-?[0-9][0-9.eE+-]{6,}', re.DOTALL)
"""A string, and whether it names a member; a bracket; a number that may mean somebody."""
_MEDIA = frozenset({"image", "audio"})
_SHORT = 256
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f]")
_BLANKS = re.compile(r"[ \t\r\n]+")
_string = msgspec.json.Decoder(str).decode
_is_json = msgspec.json.Decoder(msgspec.Raw).decode


class Texts(Protocol):
    """Looks at texts."""

    def text(self, name: str, text: str, *, again: bool = False) -> str:
        """One text, and the member whose value it is: the same, or what stands in its place.

        `again`: a text within one that was looked at. Raises Refusal where it must not pass.
        """
        ...

    def unseen(self) -> None:
        """Something that is no text. Raises Refusal where that must not pass."""
        ...


def spliced(raw: bytes, texts: Texts, opaque: frozenset[str] = frozenset(), *, again: bool = False) -> bytes:
    """Valid JSON `raw` with `texts` asked about every string, name and long number in it.

    Strings of its own members that are `opaque` mean nothing to anybody who reads them. Text in base64 (`blob`, and
    `data` of pictures and sound) is decoded; what is none is `unseen`. Raises Refusal.
    """
    return _Walk(raw, texts, opaque, again=again).run()


class _Level:
    """An object or array that is open."""

    __slots__ = ("binary", "data", "key", "named")

    def __init__(self, key: str, *, named: bool) -> None:
        self.key, self.named = key, named
        """Of an object the member that is read; of an array the member whose value it is."""
        self.binary = False
        self.data: list[tuple[int, int]] = []
        """Values of `data`: what they are is known when the object ends."""


class _Walk:
    __slots__ = ("_again", "_edits", "_levels", "_opaque", "_raw", "_texts")

    def __init__(self, raw: bytes, texts: Texts, opaque: frozenset[str], *, again: bool) -> None:
        self._raw, self._texts, self._opaque, self._again = raw, texts, opaque, again
        self._levels: list[_Level] = []
        self._edits: list[tuple[int, int, bytes]] = []

    def run(self) -> bytes:
        """The text with its edits."""
        for token in _TOKEN.finditer(self._raw):
            kind = token.lastindex
            if kind == 1:
                self._value(*token.span())
            elif kind == 2:
                self._name(*token.span(1))
            elif kind == 3:
                self._bracket(token[0])
            else:
                self._number(*token.span())
        return splice(self._raw, self._edits) if self._edits else self._raw

    def _bracket(self, bracket: bytes) -> None:
        levels = self._levels
        if bracket == b"{":
            levels.append(_Level("", named=True))
        elif bracket == b"[":
            levels.append(_Level(levels[-1].key if levels else "", named=False))
        else:
            level = levels[-1]
            for start, end in level.data:
                (self._blob if level.binary else self._string)(start, end, "data")
            levels.pop()

    def _name(self, start: int, end: int) -> None:
        name = _read(self._raw[start:end])
        self._levels[-1].key = name
        self._put(start, end, name, encode)

    def _value(self, start: int, end: int) -> None:
        level = self._levels[-1] if self._levels else None
        key = level.key if level is not None else ""
        if level is None or not level.named:
            self._string(start, end, key)
        elif key == "data":
            level.data.append((start, end))
        elif key == "blob":
            self._blob(start, end, key)
        elif not self._means_nothing():
            level.binary |= key == "type" and _read(self._raw[start:end]) in _MEDIA
            self._string(start, end, key)

    def _means_nothing(self) -> bool:
        levels = self._levels
        return len(levels) == 1 and levels[0].key in self._opaque

    def _number(self, start: int, end: int) -> None:
        if not self._means_nothing():
            self._put(start, end, self._raw[start:end].decode(), encode)

    def _string(self, start: int, end: int, key: str) -> None:
        text = _read(self._raw[start:end])
        new = self._texts.text(key, text, again=self._again)
        if "\\u" in new and not self._again and new.lstrip()[:1] in ("{", "["):
            new = self._within(new)
        if new != text:
            self._edits.append((start, end, encode(new)))

    def _within(self, text: str) -> str:
        """JSON as a text: whoever reads it reads what it escapes, too."""
        raw = text.encode()
        try:
            _is_json(raw)
        except msgspec.DecodeError:
            return text
        return spliced(raw, self._texts, again=True).decode()

    def _blob(self, start: int, end: int, key: str) -> None:
        """Base64: of a text, or of what nobody can look at."""
        told = _read(self._raw[start:end])
        text = _text_of(told)
        edits = len(self._edits)
        if text == told or len(told) <= _SHORT:  # digits in groups may be base64 as well
            self._string(start, end, key)
        if len(self._edits) > edits:
            return
        if text is None:
            self._texts.unseen()
        elif text != told:
            self._put(start, end, text, lambda new: encode(base64.b64encode(new.encode()).decode()), key)

    def _put(self, start: int, end: int, text: str, write: "Write", key: str = "") -> None:
        new = self._texts.text(key, text, again=self._again)
        if new != text:
            self._edits.append((start, end, write(new)))


class Write(Protocol):
    """Writes what stands in the place of a text."""

    def __call__(self, obj: str, /) -> bytes:
        """As JSON."""
        ...


def _read(token: bytes) -> str:
    """A string as a reader gets it. Raises Refusal content_unseen when it is none."""
    try:
        return _string(token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:  # half a pair of surrogates: no reader can show it
        text: str = json.loads(token)
    except ValueError as error:
        raise Refusal("content_unseen", "A guard cannot read what the message says.") from error
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _text_of(told: str) -> str | None:
    """The text that base64 holds; itself when it is no base64, None when it holds something else."""
    bare = _BLANKS.sub("", told).replace("-", "+").replace("_", "/")
    try:
        plain = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (ValueError, binascii.Error):
        return told
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROLS.search(text) else text
