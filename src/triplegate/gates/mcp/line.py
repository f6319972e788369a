"""One call's line to a legacy server: what goes back there besides the call, and the stream taken up again."""

import asyncio
from collections.abc import Coroutine
from secrets import token_hex
from typing import Any

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Supervisor
from triplegate.gates.mcp.connecting import cancel, session_headers
from triplegate.gates.mcp.server import Server, UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.wire.mcp_marks import Marks, Place

RETRY = 1.0
"""Seconds before a stream is taken up again, where the server does not say."""
_RETRY_MOST = 30.0


class Line:
    """Server, session there, and the number of the call in it."""

    __slots__ = ("_marks", "_supervisor", "client", "number", "server", "session")

    def __init__(
        self,
        server: Server,
        session: UpstreamSession,
        number: int,
        client: ClientSession | None,
        marks: Marks,
        supervisor: Supervisor,
    ) -> None:
        """`client`: the session that the call was made in; None for a client of 2026-07-28."""
        self.server, self.session, self.number, self.client = server, session, number, client
        self._marks, self._supervisor = marks, supervisor

    def cut(self) -> None:
        """Nobody waits for the call any more: the server is told so, best effort."""
        self._spawn(cancel(self.server, self.session, self.number), "cancel")

    def respond(self, text: bytes) -> None:
        """Answer a request of the server's, best effort."""
        self._spawn(_post(self.server, self.session, text), "respond")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            self._supervisor.spawn(work, name)
        except Refusal:
            return  # too much is going on: the server finds out by itself

    def question(self, identity: bytes) -> bytes:
        """The raw id under which the client is asked what the server asked under `identity`; another one each time."""
        assert self.client is not None
        return self._marks.question(self.client.id, self.server.name, token_hex(6).encode() + b"." + identity)

    def event(self, call: bytes, event: bytes) -> bytes:
        """The event id that the client gets for one of the server's; `call`: the raw id of the client's call."""
        assert self.client is not None
        return self._marks.event(self.client.id, Place(self.server.name, self.number, call, event))

    async def resume(self, last: bytes, wait: float, dispatch: Dispatch, deadline: float | None) -> Reply:
        """The stream again, from the event after `last`; the call is never repeated. Raises Refusal upstream_*."""
        await asyncio.sleep(min(wait, _RETRY_MOST))
        headers: Headers = [*session_headers(self.session), (b"last-event-id", last)]
        return await self.server.send(headers, b"", dispatch, deadline, "GET")


async def _post(server: Server, session: UpstreamSession, text: bytes) -> None:
    try:
        await post(server, session, text)
    except Refusal:
        return


async def post(server: Server, session: UpstreamSession, text: bytes) -> int:
    """Send one message that has no answer; the status. Raises Refusal upstream_*."""
    seconds = 10.0
    reply = await server.send(session_headers(session), text, server.own_times(seconds), server.deadline(seconds))
    reply.frames.close()
    return reply.status


def session_at(server: Server, client: ClientSession) -> UpstreamSession | None:
    """The session that was opened at a server for a client's, on whatever node."""
    found = server.state.sessions.get(f"s:{client.id}")
    noted = client.upstream.get(server.name)
    if noted is None:
        return found
    version, _, identity = noted.partition(b" ")
    if found is not None and found.id == identity:
        return found
    return UpstreamSession(identity, version.decode("ascii"))
