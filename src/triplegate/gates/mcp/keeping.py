"""Streams of calls whose client has lost its connection: what it has not had is kept, and had on any node."""

import secrets
from collections import deque
from collections.abc import Coroutine
from typing import Any

from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.core.ports import Kit, Mailbox
from triplegate.gates.mcp.frames import Around, Told
from triplegate.gates.mcp.talking import EVENTS
from triplegate.wire.jsonrpc import write_error
from triplegate.wire.mcp_marks import Marks, Place
from triplegate.wire.sse import data_of, id_of, spans, write_comment, write_event

KEPT = 300.0
"""Seconds for which the rest of a stream is kept after its last event."""
_MOST, _LARGEST = 256, 1_048_576  # events, and bytes of them, that are remembered while the client is there
_WAIT = 15.0  # seconds within which the node that has the stream must be heard of; then between signs of life
_BOX = "mcp:e:"
_END = b"."


class KeptFrames(Around, Told):
    """A stream whose events have ids; once its client has left, the events it may not have had go into a box."""

    __slots__ = (
        "_call",
        "_left",
        "_mailbox",
        "_marks",
        "_number",
        "_recent",
        "_rest",
        "_session",
        "_size",
        "_supervisor",
        "box",
    )
    _rest: Told

    def __init__(self, rest: Told, kit: Kit, marks: Marks, session: str, call: bytes) -> None:
        """`call`: the raw id of the call, by which its end is told."""
        self._rest, self._mailbox, self._supervisor, self._marks = rest, kit.mailbox, kit.supervisor, marks
        self._session, self._call = session, call
        self.box = secrets.token_urlsafe(9)
        """Names the stream."""
        self._recent: deque[tuple[int, bytes]] = deque()
        self._number = self._size = 0
        self._left = False
        self.answered, self.done = rest.answered, rest.done

    def leave(self) -> None:
        """The client has left: from now on everything is kept."""
        if not self._left:
            self._left = True
            self._spawn(self._keep())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._supervisor.spawn(work, "keep stream")
        except Refusal:
            return  # with its next event

    async def __anext__(self) -> bytes:
        """The next events, each with an id."""
        try:
            frame: bytes = await self._rest.__anext__()
        except Refusal as refusal:
            if self._left:  # the encoder's word would reach nobody
                self._marked(write_event(write_error(refusal, self._call), "message"))
                await self._keep()
                await self._put(_END)
            raise
        finally:
            self.answered, self.done = self._rest.answered, self._rest.done
        marked = [self._marked(frame[start:end]) for start, end in spans(frame)]
        if self._left:
            await self._keep()
            if self.done:
                await self._put(_END)
        return b"".join(marked)

    def _marked(self, event: bytes) -> bytes:
        """The event with an id, and remembered; what has one is remembered by its server."""
        if not data_of(event) or id_of(event):
            return event
        self._number += 1
        place = Place("", self._number, self._call, self.box.encode("ascii"))
        event = b"id: %b\n%b" % (self._marks.event(self._session, place), event)
        self._recent.append((self._number, event))
        self._size += len(event)
        while len(self._recent) > _MOST or (self._size > _LARGEST and len(self._recent) > 1):
            self._size -= len(self._recent.popleft()[1])
        return event

    async def _keep(self) -> None:
        """Everything that is remembered goes into the box, the newest last."""
        while self._recent:
            number, event = self._recent.popleft()
            self._size -= len(event)
            await self._put(b"%d %b" % (number, event))

    async def _put(self, message: bytes) -> None:
        try:
            await self._mailbox.append(_BOX + self.box, message, KEPT)
        except (Refusal, ValueError):
            return  # it is too large, or the store is away: whoever comes back is told that it is lost


class FetchedFrames(Told):
    """What was kept of a stream, from one event on, and what is kept while it is read."""

    __slots__ = ("_after", "_box", "_heard", "_mailbox", "_number")

    def __init__(self, mailbox: Mailbox, place: Place) -> None:
        self._mailbox, self._number = mailbox, place.number
        self._box = _BOX + place.event.decode("ascii")
        self._after, self._heard = "", False
        self.answered = self.done = False

    @property
    def ready(self) -> bool:
        """It may take its time."""
        return False

    async def __anext__(self) -> bytes:
        """The next events. Raises Refusal upstream_reset when nothing is heard of the node that has the stream."""
        if self.done:
            raise StopAsyncIteration
        found = await self._mailbox.read(self._box, self._after, _WAIT)
        if not found and not self._heard:
            raise Refusal("upstream_reset", "The stream cannot be taken up again.", reason="its node is gone")
        self._heard = True
        events: list[bytes] = []
        for self._after, message in found:
            number, _, event = message.partition(b" ")
            if number == _END:
                self.answered = self.done = True
            elif int(number) > self._number:
                events.append(event)
        return b"".join(events) if events or self.done else write_comment()

    def close(self) -> None:
        """What is kept stays for a while."""


def fetch_reply(frames: FetchedFrames) -> Reply:
    """The reply that such a stream is."""
    return Reply(200, list(EVENTS), frames, form="events", source="local")
