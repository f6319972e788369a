"""The top-level members of a JSON object without decoding them: where each value stands, and edits in place."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from triplegate.core.errors import Fault, Refusal

Members = dict[str, msgspec.Raw]
"""Raw values by name, in the order of the text; no name stands twice."""


class _Spaced(dict[str, msgspec.Raw]):
    """Members of a text with a space behind each comma and colon and nowhere else, as many libraries write it."""


MOST = 10_000
"""Members of one object: each is a step of ours, and a million of them would hold up everybody for a second."""

_members = msgspec.json.Decoder(Members).decode
encode = msgspec.json.Encoder().encode
_name = msgspec.json.Decoder(str).decode


class _AnyObject(msgspec.Struct, gc=False):
    """Every member is skipped."""


_any_object = msgspec.json.Decoder(_AnyObject).decode

_MEMBER = re.compile(rb'[ \t\n\r]*("(?:[^"\\]|\\.)*")[ \t\n\r]*:[ \t\n\r]*')
_OPEN = re.compile(rb"[ \t\n\r]*\{")
_NEXT = re.compile(rb"[ \t\n\r]*([,}])")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def read_members(text: bytes) -> Members:
    """The members of the object that `text` is. The whole text is checked to be JSON (no NaN, nothing after it).

    Raises Refusal invalid_body when it is no object, nests too deep for the parser, has more members than MOST, or
    says a name twice: readers differ in which one they believe.
    """
    try:
        members = _members(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("invalid_body", f"The body is not a JSON object: {error}") from error
    except RecursionError as error:
        raise Refusal("invalid_body", "The body nests too deep.") from error
    if len(members) > MOST:
        raise Refusal("invalid_body", f"The body has more than {MOST} members.")
    letters = sum(map(len, members))
    size = 1 + 4 * len(members) + letters + sum(map(len, members.values()))
    # compact and unique: repeats, white space and escapes would make it longer
    if size != len(text):
        if size + 2 * len(members) - 1 == len(text) and text == _spaced(members, letters):
            return _Spaced(members)
        _walk(text, members)
    return members


def _spaced(members: Members, letters: int) -> bytes:
    """The object with these spaces; `letters` of all its names."""
    made = _template if letters <= _SHORT and len(members) <= _FEW else _template.__wrapped__
    return made(tuple(members)) % tuple(members.values())


@lru_cache(maxsize=256)
def _template(names: tuple[str, ...]) -> bytes:
    """The object with a place for each value; messages of one kind have the same names in the same order."""
    return b"{" + b", ".join([encode(name).replace(b"%", b"%%") + b": %b" for name in names]) + b"}"


_FEW, _SHORT = 16, 256  # names, and letters of all of them, up to which a template is kept


def spans(text: bytes, members: Members) -> dict[str, tuple[int, int]]:
    """Where each value begins and ends in the `text` that `members` were read from."""
    places: dict[str, tuple[int, int]] = {}
    gap = 1 if type(members) is _Spaced else 0
    position = 1
    for name, value in members.items():
        start = position + len(name) + 3 + gap
        position = start + len(value)
        places[name] = (start, position)
        position += 1 + gap
    return places if position - gap == len(text) else _walk(text, members)


def _walk(text: bytes, members: Members) -> dict[str, tuple[int, int]]:
    """Step from value to value by the known lengths; each is compared, so a repeated name cannot mislead the steps."""
    opening = _OPEN.match(text)
    assert opening is not None
    position = opening.end()
    places: dict[str, tuple[int, int]] = {}
    expected = iter(members)
    while True:
        found = _step(text, position, next(expected, None))
        if found is None:
            return places
        name, start = found
        value = members[name]
        end = start + len(value)
        if name in places or not text.startswith(bytes(value), start):
            raise _repeated(name)
        places[name] = (start, end)
        position = _after(text, end, name)


def _step(text: bytes, position: int, expected: str | None) -> tuple[str, int] | None:
    """The next member's name and where its value begins; None at the end. `expected` in the usual spelling is quick."""
    if text[position : position + 1] == b" ":
        position += 1
    if expected is not None:
        usual = encode(expected) + b":"
        if text.startswith(usual, position):
            position += len(usual)
            following = text[position]
            if following > 0x20:
                return expected, position
            if following == 0x20 and text[position + 1] > 0x20:
                return expected, position + 1
            position -= len(usual)
    member = _MEMBER.match(text, position)
    return (_name(member[1]), member.end()) if member is not None else None


def _after(text: bytes, end: int, name: str) -> int:
    """Where the next member begins, behind the comma or the closing brace."""
    if text[end] == 0x2C:
        return end + 1
    following = _NEXT.match(text, end)
    if following is None:
        raise _repeated(name)
    return following.end()


def _repeated(name: str) -> Refusal:
    fault = Fault("/" + name.replace("~", "~0").replace("/", "~1"), "stands more than once")
    return Refusal("invalid_body", f"The member '{name[:64]}' stands more than once.", errors=(fault,))


def splice(text: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """`text` with each (start, end, replacement) applied; every other byte as it was. Edits must not overlap."""
    pieces: list[bytes] = []
    position = 0
    for start, end, replacement in sorted(edits):
        assert start >= position, "edits overlap"
        pieces += (text[position:start], replacement)
        position = end
    pieces.append(text[position:])
    return b"".join(pieces)


def set_members(text: bytes, members: Members, changes: Mapping[str, bytes]) -> bytes:
    """`text` with members replaced by, or else begun with, these raw values; every other byte as it was."""
    gap = 1 if type(members) is _Spaced else 0
    pieces: list[bytes] = []
    position, done = 1, 0
    for name, value in members.items():
        start = position + len(name) + 3 + gap
        position = start + len(value)
        new = changes.get(name)
        if new is not None:
            pieces += (text[done:start], new)
            done = position
        position += 1 + gap
    if position - gap != len(text) or len(pieces) != 2 * len(changes):
        return _set_anywhere(text, members, changes)
    pieces.append(text[done:])
    return b"".join(pieces)


def _set_anywhere(text: bytes, members: Members, changes: Mapping[str, bytes]) -> bytes:
    """The same of a text that is written in any way, and of members that are not there yet."""
    places = spans(text, members)
    edits: list[tuple[int, int, bytes]] = []
    added = [encode(name) + b":" + value for name, value in changes.items() if name not in places]
    if added:
        start = text.index(b"{") + 1
        edits.append((start, start, b",".join(added) + (b"," if places else b"")))
    for name, value in changes.items():
        if name in places:
            edits.append((*places[name], value))
    return splice(text, edits)


def depth_within(text: bytes, limit: int) -> bool:
    """Whether valid JSON `text` nests at most `limit` deep; cheap for what is obviously flat."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return True
    brackets = _STRING.sub(b"", text).translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(limit):  # each pass removes the innermost level
        if not brackets:
            return True
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def is_object(text: bytes) -> bool:
    """Whether `text` is one JSON object in UTF-8; about half a microsecond for 300 bytes, nothing is built."""
    try:
        _any_object(str(text, "utf-8"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
