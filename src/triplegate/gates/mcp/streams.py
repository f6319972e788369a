"""Streams on which a client only listens: GET of a session, and `subscriptions/listen` of 2026-07-28."""

from collections.abc import Awaitable, Callable

from triplegate.core.errors import Refusal
from triplegate.core.http import Encoder, Reply
from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.ears import Ear, Watched
from triplegate.gates.mcp.frames import Told
from triplegate.gates.mcp.hub import Hub
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.gates.mcp.talking import EVENTS
from triplegate.gates.mcp.views import View
from triplegate.wire.json_members import encode
from triplegate.wire.jsonrpc import write_error, write_result
from triplegate.wire.mcp_bridge import SERVER_KEY
from triplegate.wire.mcp_marks import Marks, Place
from triplegate.wire.sse import write_comment, write_event

SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"
STANDING = b"stands"
"""Event of a session's own stream: whoever returns with it has to look at everything again."""
POLLS = "2025-11-25"
"""From this revision on clients know events without data, which only give a stream its id."""
_STILL_HERE = 15.0  # seconds between two signs of life
_LOOKS = 40  # signs of life between two looks whether it may go on
_RETRY = 500  # milliseconds after which a client shall come back
Refresh = Callable[[Ear], Awaitable[None]]


class HearFrames(Told):
    """What an ear hears, as it comes."""

    __slots__ = ("_ear", "_first", "_hub", "_left", "_refresh", "_write", "last")

    def __init__(self, hub: Hub, ear: Ear, writing: "Writing", refresh: Refresh) -> None:
        self._hub, self._ear, self._write, self._refresh = hub, ear, writing, refresh
        self._first: bytes | None = writing.first
        self.last = writing.last
        """What a stream ends with that ends well."""
        self.answered = self.done = False
        self._left = _LOOKS
        hub.add(ear)

    @property
    def ready(self) -> bool:
        """Its first words are."""
        return self._first is not None

    async def __anext__(self) -> bytes:
        """What has changed or was said since, or a sign of life."""
        first, self._first = self._first, None
        if first is not None:
            return first
        if self.done:
            raise StopAsyncIteration
        ear = self._ear
        await ear.wait(_STILL_HERE)
        if not ear.ready:
            self._left -= 1
        if ear.stale or self._left <= 0:
            ear.stale, self._left = False, _LOOKS
            await self._refresh(ear)
        changed, said = ear.take()
        told = b"".join([self._write.change(kind, uri) for kind, uri in changed])
        told += b"".join([write_event(message, "message") for message in said])
        if ear.ended:
            self.done = self.answered = True
            return told + self.last
        return told or write_comment()

    def close(self) -> None:
        """It listens no more."""
        self._hub.remove(self._ear)
        if self._ear.asides is not None:
            self._ear.asides.close()


class Writing:
    """How one client is told: its first words, its last, and changes."""

    __slots__ = ("_meta", "first", "last")

    def __init__(self, first: bytes, last: bytes, meta: bytes) -> None:
        """`meta`: raw members of the params of every notification; may be empty."""
        self.first, self.last, self._meta = first, last, meta

    def change(self, kind: str, uri: str) -> bytes:
        """The event that tells of a change."""
        if kind == "updated":
            params, method = (
                b'{"uri":%b%b}' % (encode(uri), b"," + self._meta if self._meta else b""),
                "resources/updated",
            )
        else:
            params, method = b"{%b}" % self._meta, f"{kind}/list_changed"
        named = b'"params":' + params if params != b"{}" else b""
        body = b'{"jsonrpc":"2.0","method":"notifications/%b"%b}' % (method.encode(), b"," + named if named else b"")
        return write_event(body, "message")


class HearEncoder(Encoder):
    """Bytes pass; the drain ends such a stream well."""

    __slots__ = ("_frames", "_id")

    def __init__(self, frames: HearFrames, identity: bytes) -> None:
        self._frames, self._id = frames, identity

    def fail(self, refusal: Exception) -> bytes | None:
        """Its last words where it ends as it should; else why it does not go on."""
        if not isinstance(refusal, Refusal):
            refusal = Refusal("internal", "The gateway failed.")
        if refusal.code == "draining" or self._id == b"null":
            return self._frames.last
        return write_event(write_error(refusal, self._id), "message")


def stands(session: ClientSession, marks: Marks) -> Writing:
    """For a session's own stream."""
    if session.version < POLLS:
        return Writing(write_comment(), b"", b"")
    mark = marks.event(session.id, Place("", 0, b"", STANDING))
    return Writing(write_event(b"", None, mark, _RETRY), write_event(b"", None, mark, _RETRY), b"")


def subscribed(call: McpCall, honoured: dict[str, object]) -> Writing:
    """For `subscriptions/listen`: what is honoured comes first, and a result last."""
    meta = b'"_meta":{"%b":%b}' % (SUBSCRIPTION_KEY.encode(), call.id)
    told = b'{"notifications":%b,%b}' % (encode(honoured), meta)
    first = b'{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":%b}' % told
    ended = b'{"resultType":"complete","_meta":{"%b":%b,"%b":%b}}' % (
        SUBSCRIPTION_KEY.encode(),
        call.id,
        SERVER_KEY.encode(),
        US,
    )
    last = write_event(write_result(call.id, ended), "message")
    return Writing(write_event(first, "message"), last, meta)


async def watched(access: Access, principal: Principal, view: View, uris: frozenset[str]) -> dict[Watched, str]:
    """Those of `uris` (as clients say them) that the caller may read, by server and the server's own URI."""
    found: dict[Watched, str] = {}
    for uri in sorted(uris):
        item = await view.find("resource", uri)
        if item is not None and _may_read(access, principal, view, item):
            found[item.server.name, item.own.name] = uri
    return found


def _may_read(access: Access, principal: Principal, view: View, item: Item) -> bool:
    try:
        access.require(principal, view.virtual, McpCall("request", method="resources/read", item=item))
    except Refusal:
        return False
    return True


def hear_reply(frames: HearFrames) -> Reply:
    """The reply that such a stream is."""
    return Reply(200, list(EVENTS), frames, form="events", source="local")
