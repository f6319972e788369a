"""An upload of a file on its way to where it is kept (RFC 7578): the file of a batch is looked at while it passes."""

from collections.abc import Callable

from triplegate.core.errors import Refusal
from triplegate.wire.batch_file import CallLines
from triplegate.wire.multipart import MOST_HEAD, part_name, wrong

_MOST_PURPOSE = 64
_BATCH = b"batch"


class Upload:
    """Feed it the form as it comes; whatever is wrong with it is told before it has passed."""

    __slots__ = (
        "_calls",
        "_delimiter",
        "_fault",
        "_in_head",
        "_may",
        "_part",
        "_purpose",
        "_servers",
        "_started",
        "_tail",
        "ended",
    )

    def __init__(self, boundary: bytes, may: Callable[[str], bool], servers: Callable[[str], bool]) -> None:
        """`may`, `servers`: as for `CallLines`."""
        self._delimiter = b"\r\n--" + boundary
        self._may, self._servers = may, servers
        self._tail = b"\r\n"  # the first delimiter has no line end before it
        self._started = self._in_head = False
        self._part = b""
        self._purpose: bytes | None = None
        self._calls: CallLines | None = None
        self._fault: Refusal | None = None
        """What would be wrong with a batch, where the file stands before its purpose."""
        self.ended = False
        """The closing delimiter was seen."""

    def feed(self, chunk: bytes) -> None:
        """Look at more of it. Raises Refusal invalid_body, model_not_found, mcp_server_unknown."""
        text = self._tail + chunk
        if not self._started:
            if not text.startswith(self._delimiter[: len(text)]):
                raise wrong("it does not begin with its boundary")
            self._started = len(text) >= len(self._delimiter)
        place = 0
        while not self.ended:
            step = self._head(text, place) if self._in_head else self._content(text, place)
            if step < 0:
                break
            place = step
        self._tail = b"" if self.ended else self._left(text, place)

    def _left(self, text: bytes, place: int) -> bytes:
        """What must wait for more: a head, a purpose, or what may be the begin of a delimiter."""
        if self._in_head or self._part == b"purpose":
            if len(text) - place > MOST_HEAD:
                raise wrong("a part's header is too large")
            return text[place:]
        keep = max(place, len(text) - len(self._delimiter) - 2)
        self._file(text[place:keep])
        return text[keep:]

    def _content(self, text: bytes, place: int) -> int:
        """Behind the next delimiter; -1 while it has not come."""
        found = text.find(self._delimiter, place)
        end = found + len(self._delimiter) + 2
        if found < 0 or end > len(text):
            return -1
        if self._part == b"purpose":
            self._meant(text[place:found])
        else:
            self._file(text[place:found], ends=True)
        follows = text[end - 2 : end]
        if follows == b"--":
            self.ended = True
        elif follows != b"\r\n":
            raise wrong("a boundary is followed by something else")
        self._in_head = True
        return end

    def _meant(self, purpose: bytes) -> None:
        if len(purpose) > _MOST_PURPOSE:
            raise wrong("its purpose is too long")
        self._purpose = purpose.strip().lower()
        if self._purpose == _BATCH and self._fault is not None:
            raise self._fault

    def _file(self, content: bytes, *, ends: bool = False) -> None:
        if self._calls is None:
            return
        try:
            self._calls.feed(content)
            if ends:
                self._calls.finish()
        except Refusal as fault:
            if self._purpose is not None:
                raise
            self._fault, self._calls = fault, None
        if ends:
            self._calls = None

    def _head(self, text: bytes, place: int) -> int:
        """Behind the part's header block; -1 while it has not come."""
        end = text.find(b"\r\n\r\n", place)
        if end < 0:
            return -1
        self._part = part_name(text[place:end])
        self._in_head = False
        if self._part == b"purpose" and self._purpose is not None:
            raise wrong("the field purpose stands more than once")
        if self._part == b"file":
            looks = self._purpose in (None, _BATCH) and self._fault is None
            self._calls = CallLines(self._may, self._servers) if looks else None
        return end + 4
