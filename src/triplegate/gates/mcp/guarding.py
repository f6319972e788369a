"""What policies see, and may change, of all that a server says to a call: its result, its questions, its notes."""

import asyncio
from collections.abc import Sequence

from triplegate.core.exchange import Exchange
from triplegate.core.http import Frames, Reply
from triplegate.core.watching import Watch
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.calling import Screen
from triplegate.gates.mcp.frames import TurnedFrames
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.results import whole
from triplegate.wire.sse import write_event

_ON_LOOP = 4096
"""Bytes that are looked at at once; more are looked at beside the loop."""
_SILENCE = b":\n\n"


def guard_of(exchange: Exchange, call: McpCall) -> Screen | None:
    """What lets the policies look that want to; None where nobody does."""
    looks = exchange.looks
    if looks is None:
        return None

    async def guard(reply: Reply) -> Reply:
        seen = _Seen([look() for look in reversed(looks)])
        if reply.form == "events":
            frames = GuardedFrames(reply.frames, call.id, seen)
            return Reply(reply.status, reply.headers, frames, form="events", source=reply.source)
        answer = json_reply(await seen.message(await whole(reply.frames)), reply.status)
        answer.source = reply.source
        return answer

    return guard


class _Seen:
    """The messages of one answer, seen by all who look, the innermost first."""

    __slots__ = ("_watches",)

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    async def message(self, text: bytes) -> bytes:
        """The message as it goes on; empty where it does not. Raises Refusal."""
        if len(text) > _ON_LOOP:
            return await asyncio.to_thread(self._fed, text)
        return self._fed(text)

    def _fed(self, text: bytes) -> bytes:
        messages = [text]
        for watch in self._watches:
            messages = watch.feed(messages)
        return b"".join(messages)


class GuardedFrames(TurnedFrames):
    """A stream of which every message is seen."""

    __slots__ = ("_seen",)

    def __init__(self, rest: Frames, identity: bytes, seen: _Seen) -> None:
        super().__init__(rest, identity)
        self._seen = seen

    async def _event(self, event: bytes, data: bytes) -> bytes:
        """The event as it goes on, with nothing beside its message."""
        if not data:
            return _SILENCE
        message = await self._seen.message(data)
        if not message:
            return b""
        return event if message is data and event == b"data: %b\n\n" % data else write_event(message, "message")
