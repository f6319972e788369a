"""HTTP/2 seen by its frame heads alone: which streams are open, and what floods are made of (P-35)."""

from collections.abc import Callable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""How a client begins."""
RESETS = 1000
"""Streams that may be reset, by either side, within PERIOD."""
CONTROLS = 1000
"""PING, SETTINGS, PRIORITY and empty DATA frames of a client within PERIOD."""
CONTINUED = 16
"""CONTINUATION frames of one header block."""
PERIOD = 10.0
CALM, NO_ERROR = 11, 0
"""Reasons of a GOAWAY: enhance your calm; nothing is wrong."""

_DATA, _HEADERS, _PRIORITY, _RESET, _SETTINGS, _PING, _CONTINUATION = 0, 1, 2, 3, 4, 6, 9
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_HEAD = 9

OnFrame = Callable[[int, int, int, int], None]


class FrameHeads:
    """Steps from frame to frame through one direction of a connection, however its bytes are cut."""

    __slots__ = ("_on_frame", "_part", "_skip")

    def __init__(self, on_frame: OnFrame, skip: int = 0) -> None:
        """`on_frame` is called with kind, flags, stream and length; `skip` bytes come before the first frame."""
        self._on_frame, self._skip, self._part = on_frame, skip, b""

    def feed(self, content: bytes) -> None:
        """More bytes of this direction."""
        if self._skip >= len(content):
            self._skip -= len(content)
            return
        if self._part:
            content, self._part = self._part + content, b""
        place, end = self._skip, len(content)
        while end - place >= _HEAD:
            length = int.from_bytes(content[place : place + 3], "big")
            stream = int.from_bytes(content[place + 5 : place + 9], "big") & 0x7FFFFFFF
            self._on_frame(content[place + 3], content[place + 4], stream, length)
            place += _HEAD + length
        if place < end:
            self._part = content[place:]
        self._skip = max(0, place - end)

    @property
    def within(self) -> bool:
        """Whether some of the last frame is still to come."""
        return self._skip > 0

    @property
    def between(self) -> bool:
        """Whether the last frame was whole: a frame of our own may follow."""
        return not self._skip and not self._part


class Http2Watch:
    """One connection: its open streams, and whether the client floods it."""

    __slots__ = (
        "_client",
        "_continued",
        "_controls",
        "_kind",
        "_now",
        "_resets",
        "_server",
        "_since",
        "flood",
        "last",
        "open",
    )

    def __init__(self, now: Callable[[], float]) -> None:
        self._client = FrameHeads(self._from_client, len(PREFACE))
        self._server = FrameHeads(self._from_server)
        self._now, self._since = now, now()
        self._continued = self._controls = self._kind = self._resets = 0
        self.flood = ""
        """What there was too much of; empty while all is well."""
        self.open: set[int] = set()
        """Streams that the server has not ended yet."""
        self.last = 0
        """The highest stream so far."""

    def client(self, content: bytes) -> None:
        """Bytes of the client."""
        self._client.feed(content)

    def server(self, content: bytes) -> None:
        """Bytes of the server."""
        self._server.feed(content)

    @property
    def heading(self) -> int:
        """The stream whose header block the client has begun and not ended; 0 when there is none."""
        begun = self._continued or (self._kind in (_HEADERS, _CONTINUATION) and self._client.within)
        return self.last if begun else 0

    def goaway(self, code: int) -> bytes:
        """A GOAWAY frame for the client; empty when a frame of the server's is on its way."""
        if not self._server.between:
            return b""
        content = self.last.to_bytes(4, "big") + code.to_bytes(4, "big")
        return len(content).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + content

    def _from_client(self, kind: int, flags: int, stream: int, length: int) -> None:
        self._kind = kind
        if kind == _HEADERS:
            self._continued = 0 if flags & _END_HEADERS else 1
            if stream > self.last:
                self.last = stream
                self.open.add(stream)
        elif kind == _CONTINUATION:
            self._continued = 0 if flags & _END_HEADERS else self._continued + 1
            if self._continued > CONTINUED:
                self.flood = "continuations"
        elif kind == _RESET:
            self._reset(stream)
        elif self._asks_for_nothing(kind, flags, length):
            self._control()

    @staticmethod
    def _asks_for_nothing(kind: int, flags: int, length: int) -> bool:
        if kind == _DATA:
            return not length and not flags & _END_STREAM
        return kind == _PRIORITY or (kind in (_PING, _SETTINGS) and not flags & _ACK)

    def _from_server(self, kind: int, flags: int, stream: int, length: int) -> None:
        if kind in (_DATA, _HEADERS):
            if flags & _END_STREAM:
                self.open.discard(stream)
        elif kind == _RESET:
            self._reset(stream)

    def _reset(self, stream: int) -> None:
        self.open.discard(stream)
        self._turn()
        self._resets += 1
        if self._resets > RESETS:
            self.flood = "resets"

    def _control(self) -> None:
        self._turn()
        self._controls += 1
        if self._controls > CONTROLS:
            self.flood = "control frames"

    def _turn(self) -> None:
        now = self._now()
        if now - self._since > PERIOD:
            self._since, self._resets, self._controls = now, 0, 0
