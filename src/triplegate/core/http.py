"""The canonical request, its body and the reply: the nouns that all three gates pass along."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal

import msgspec

Headers = list[tuple[bytes, bytes]]
"""Field lines in order, repeats kept; names are lower-case."""

OnGone = Literal["cancel", "finish", "keep"]
"""What becomes of the upstream's answer when the client leaves."""

Protocol = Literal["http", "websocket", "grpc"]
"""What the client speaks: a request with one reply, or messages both ways."""


class Peer(msgspec.Struct, frozen=True, gc=False):
    """Who is at the other end of the client's connection."""

    address: str
    port: int = 0
    certificate: bytes | None = None
    """DER of the verified client certificate, when the listener asked for one."""


class Body(ABC):
    """A request body that is read at most once, unless it is replayable."""

    __slots__ = ()
    kind: Literal["none", "one_pass", "replayable"]
    length: int | None
    """Content-Length, when the client said one."""
    started: bool
    """True once any of it was read."""

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises Refusal body_too_large, body_timeout or malformed_request."""

    @abstractmethod
    async def whole(self, limit: int) -> bytes:
        """The whole body; from then on it is replayable. Over `limit` bytes: Refusal body_too_large."""

    def allow(self, limit: int) -> None:
        """From now on at most `limit` bytes are taken, more or less than by default; before any of it is read."""
        raise NotImplementedError


class BytesBody(Body):
    """A body that is already here."""

    __slots__ = ("content", "kind", "length", "started")

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.kind = "replayable" if content else "none"
        self.length = len(content)
        self.started = False

    def allow(self, limit: int) -> None:
        """It is here already: whoever bounds it looks at its length."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content in one piece."""
        self.started = True
        if self.content:
            yield self.content

    async def whole(self, limit: int) -> bytes:
        """The content; `limit` was checked by whoever made it."""
        self.started = True
        return self.content


class Inbound(msgspec.Struct, frozen=True, eq=False):
    """The request as everyone reads it: canonical, immutable, made once by the guard."""

    listener: str
    method: str
    scheme: str
    host: str
    """Lower-case host without port."""
    port: int | None
    """The port the client named in Host, if any."""
    path: str
    """Canonical path, percent-encoded, always starting with a slash (reliability P-12)."""
    query: bytes
    """Query without the question mark, as sent."""
    headers: Headers
    peer: Peer
    body: Body
    client: str = ""
    """The client's address: the peer's, or the first untrusted one behind trusted proxies."""
    http_version: str = "1.1"
    deadline: float | None = None
    """Monotonic seconds, when the client set a deadline."""
    protocol: Protocol = "http"
    """`websocket` and `grpc`: the chain runs by the head, then messages go both ways through a Channel."""
    asked: str = ""
    """The name that the connection's TLS was opened for, where a front knows it."""

    @property
    def authority(self) -> bytes:
        """Host and port as the client named them (RFC 9110 §7.2)."""
        host = self.host.encode("ascii")
        return host if self.port is None else host + b":%d" % self.port

    def header(self, name: bytes) -> bytes | None:
        """The first value of a field, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a WebSocket or of gRPC."""

    data: bytes
    text: bool = False


Frame = Any
"""bytes (api) · bytes or an event (llm) · bytes or Rpc (mcp) · Message (duplex)."""


class Frames(ABC):
    """A reply's body as it comes; `close()` gives the connection back or aborts it: that cancels the upstream."""

    __slots__ = ("done",)
    done: bool
    """True when the frame just returned was the last one."""

    @property
    def within(self) -> "Frames":
        """The frames that these only stand around, adding a word here and there; others are what they are."""
        return self

    @property
    def ready(self) -> bool:
        """Whether the next frame can be had without waiting; the head is flushed alone when it cannot."""
        return True

    def at_once(self) -> bytes | None:
        """All that is left, where all of it is here, in one piece; None where it has to be awaited. Bytes only."""
        return None

    async def comes(self, within: float) -> bool:
        """Whether the next frame is here before `within` seconds are over; nothing is lost where it is not.

        True at once where frames cannot tell: the next one is awaited then, however long it takes.
        """
        return True

    def bear(self, silence: float) -> None:  # noqa: B027 - most frames time nothing
        """Somebody else is waited for meanwhile: no frame may come for so many seconds. Nothing where none is timed."""

    def __aiter__(self) -> "Frames":
        return self

    @abstractmethod
    async def __anext__(self) -> Frame:
        """The next frame; raises StopAsyncIteration at a clean end, Refusal upstream_* at any other."""

    @abstractmethod
    def close(self) -> None:
        """Synchronous and idempotent."""


class OneFrame(Frames):
    """A local reply: all of it is here."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes = b"") -> None:
        self._content: bytes | None = content or None
        self.done = not content

    @property
    def content(self) -> bytes:
        """What was not yet taken."""
        return self._content or b""

    def at_once(self) -> bytes:
        """The content."""
        content, self._content = self._content, None
        self.done = True
        return content or b""

    async def __anext__(self) -> bytes:
        """The content, once."""
        content = self._content
        if content is None:
            raise StopAsyncIteration
        self._content = None
        self.done = True
        return content

    def close(self) -> None:
        """Nothing is held."""
        self._content = None


class Reply(msgspec.Struct, eq=False):
    """What goes back: the head at once, the frames as they come."""

    status: int
    headers: Headers
    frames: Frames
    form: Literal["bytes", "events"] = "bytes"
    trailers: Headers = []
    """Filled when the frames have ended."""
    on_gone: OnGone = "cancel"
    source: Literal["upstream", "cache", "local"] = "upstream"


class Channel(ABC):
    """The client's side of a duplex exchange; the chain has passed before any of its messages is read."""

    gone: bool
    """True once the client left."""
    ended: tuple[int, str] = (0, "")
    """How the client ended its side, once `receive` said None: code and reason."""

    @abstractmethod
    async def accept(self, headers: Headers) -> None:
        """Open it, with the reply's head; called once, after the upstream has accepted."""

    async def metadata(self, headers: Headers) -> None:
        """More of the head, which came only after it was opened: gRPC's initial metadata."""
        raise NotImplementedError

    @abstractmethod
    async def receive(self) -> Message | None:
        """The client's next message; None at the end of its side. Raises Gone when it left."""

    @abstractmethod
    async def send(self, message: Message) -> None:
        """One message to the client; waits while it is slow."""

    @abstractmethod
    async def close(self, code: int, reason: str = "", trailers: Headers = []) -> None:  # noqa: B006 - never changed
        """End it: a close code (WebSocket) or a status (gRPC), its text, and trailers (gRPC). Idempotent."""


class Duplex(Reply):
    """A reply whose messages go both ways: `frames` is what is closed at the end, never iterated."""

    async def run(self, client: Channel) -> None:
        """Relay both ways until one side ends, then close the other. Raises Refusal upstream_*, Gone."""
        raise NotImplementedError


class Encoder:
    """Turns frames into the bytes of the client's dialect; this one passes bytes through."""

    __slots__ = ()
    whole: bool = False
    """Gather everything (bounded) and send the head with a Content-Length."""

    def feed(self, frame: Frame) -> bytes:
        """Bytes for one frame; may be empty."""
        return frame  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Bytes after the last frame."""
        return b""

    def fail(self, refusal: Exception) -> bytes | None:
        """In-band bytes that tell of a failure after the head; None: the message must be cut, never ended cleanly."""
        return None


class Wire(ABC):
    """The client's side of one exchange; knows framing, not meaning."""

    __slots__ = ()
    gone: bool
    """True once the client left."""
    started: bool
    """True once any byte of the head went out."""
    stopping: bool
    """True once the drain's grace is over: whoever is cancelled then tells the client in-band."""

    @abstractmethod
    async def head(self, status: int, headers: Headers) -> None:
        """Send (or stage) the head."""

    @abstractmethod
    async def body(self, content: bytes) -> None:
        """Send a piece; waits while the client is slow."""

    @abstractmethod
    async def end(self, content: bytes = b"", trailers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Send the last piece and complete the message. HTTP/1: trailers are dropped and counted."""

    @abstractmethod
    def abort(self) -> None:
        """Leave the message visibly incomplete, never cleanly ended."""

    @abstractmethod
    def on_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client leaves."""
