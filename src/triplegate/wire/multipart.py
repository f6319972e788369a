"""Which model a form of files asks for (RFC 7578), while it streams by: found early, and never said twice."""

import re

from triplegate.core.errors import Refusal

MOST_HEAD = 8_192
"""Bytes of one part's header block."""
MOST_VALUE = 256
"""Bytes of the model's name."""

_TOKEN = rb"[!#$&+\-.^_`|~0-9A-Za-z]+"
_BOUND = rb"[!#-+\--:<-~]+"
"""A parameter's value without quotes, as generously as clients write it."""
_TYPE = re.compile(
    rb"""\A[ \t]*multipart/form-data((?:[ \t]*;[ \t]*%b=(?:"[^"\\]*"|%b))+)[ \t]*;?[ \t]*\Z""" % (_TOKEN, _BOUND),
    re.IGNORECASE,
)
_PARAMETER = re.compile(rb'[ \t]*;[ \t]*([^=;" \t]+)=(?:"([^"]*)"|([^;" \t]+))')
_DISPOSITION = re.compile(
    rb"""\Aform-data((?:[ \t]*;[ \t]*%b=(?:"(?:[^"\\\r\n]|\\["\\])*"|%b))*)\Z""" % (_TOKEN, _TOKEN), re.IGNORECASE
)
_PLAIN = frozenset({b"7bit", b"8bit", b"binary"})
_NAME = re.compile(rb'[ \t]*;[ \t]*([^=;" \t]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"]+))')


def boundary_of(content_type: bytes) -> bytes:
    """The boundary of a form. Raises Refusal unsupported_media_type for what is none, or says two boundaries."""
    found = _TYPE.match(content_type)
    said = _PARAMETER.findall(found[1]) if found is not None else []
    boundaries = [quoted or bare for name, quoted, bare in said if name.lower() == b"boundary"]
    if len(boundaries) != 1 or not 1 <= len(boundaries[0]) <= 70:
        raise Refusal("unsupported_media_type", "This endpoint takes multipart/form-data with one boundary.")
    return bytes(boundaries[0])


def wrong(what: str) -> Refusal:
    """The refusal of a form that cannot be read, or in two ways."""
    return Refusal("invalid_body", f"The form cannot be read: {what}.")


class ModelFinder:
    """Feed it the form as it comes; `span` is where the value of its field `model` stands, once that is known."""

    __slots__ = ("_at", "_delimiter", "_in_head", "_part_is_model", "_seen_model", "_tail", "ended", "model", "span")

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._tail = b"\r\n"  # the first delimiter has no line end before it
        self._at = -2
        """Where the tail begins in the form."""
        self._in_head = self._part_is_model = self._seen_model = False
        self.span: tuple[int, int] | None = None
        self.model = ""
        self.ended = False
        """The closing delimiter was seen."""

    def feed(self, chunk: bytes) -> None:
        """Look at more of it. Raises Refusal invalid_body: a form that can be read in two ways, or a second model."""
        text = self._tail + chunk
        if self._at == -2 and not text.startswith(self._delimiter[: len(text)]):
            raise wrong("it does not begin with its boundary")
        place = 0
        while not self.ended:
            step = self._head(text, place) if self._in_head else self._content(text, place)
            if step < 0:
                break
            place = step
        if self.ended:
            place = len(text)
        keep = place if self._in_head or self._part_is_model else max(place, len(text) - len(self._delimiter) - 2)
        self._tail, self._at = text[keep:], self._at + keep
        if len(self._tail) > MOST_HEAD + len(self._delimiter):
            raise wrong("a part's header is too large")

    def _content(self, text: bytes, place: int) -> int:
        """Behind the next delimiter; -1 while it has not come."""
        found = text.find(self._delimiter, place)
        end = found + len(self._delimiter) + 2
        if self._part_is_model and (found if found >= 0 else len(text)) - place > MOST_VALUE:
            raise wrong("the name of the model is too long")
        if found < 0 or end > len(text):
            return -1
        if self._part_is_model:
            self._take(text[place:found], place)
        follows = text[end - 2 : end]
        if follows == b"--":
            self.ended = True
        elif follows != b"\r\n":
            raise wrong("a boundary is followed by something else")
        self._in_head = True
        return end

    def _take(self, value: bytes, place: int) -> None:
        self._part_is_model = False
        start = self._at + place
        self.span = (start, start + len(value))
        try:
            self.model = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise wrong("the name of the model is no UTF-8") from error

    def _head(self, text: bytes, place: int) -> int:
        """Behind the part's header block; -1 while it has not come."""
        end = text.find(b"\r\n\r\n", place)
        if end < 0:
            return -1
        name = part_name(text[place:end])
        self._in_head = False
        if name == b"model":
            if self._seen_model:
                raise wrong("the field model stands more than once")
            self._seen_model = self._part_is_model = True
        return end + 4


def part_name(head: bytes) -> bytes:
    """The field's name. Raises Refusal invalid_body where readers could differ about it."""
    found: bytes | None = None
    for line in head.split(b"\r\n"):
        field, colon, value = line.partition(b":")
        if not colon or b"\n" in line or b"\r" in line or not field or field != field.strip():
            raise wrong("a part's header is malformed")
        if field.lower() == b"content-transfer-encoding" and value.strip().lower() not in _PLAIN:
            raise wrong("a part is encoded")
        if field.lower() == b"content-disposition":
            if found is not None:
                raise wrong("a part says its name twice")
            found = _parameter(value.strip())
    if found is None:
        raise wrong("a part has no name")
    return found


def _parameter(disposition: bytes) -> bytes:
    parameters = _DISPOSITION.match(disposition)
    if parameters is None:
        raise wrong("a part's name is malformed")
    names = [quoted or token for name, quoted, token in _NAME.findall(parameters[1]) if name.lower() == b"name"]
    if len(names) != 1:
        raise wrong("a part has no name, or several")
    return bytes(names[0]).strip()
