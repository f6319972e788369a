"""An upstream's event stream as the client gets it: messages in its era, questions, event ids, and what is for all."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, Reply
from triplegate.gates.mcp.asking import env_of, media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.frames import EventFrames
from triplegate.gates.mcp.hearing import Tell, note
from triplegate.gates.mcp.line import RETRY, Line
from triplegate.gates.mcp.questions import CAPABILITY, can_ask
from triplegate.gates.mcp.talking import EVENTS
from triplegate.wire.json_members import set_members
from triplegate.wire.jsonrpc import Env, edit, write_error, write_result
from triplegate.wire.mcp_headers import LOG_LEVEL_KEY
from triplegate.wire.mcp_links import params_fit
from triplegate.wire.sse import data_of, id_of, retry_of, spans, write_event

if TYPE_CHECKING:
    from triplegate.gates.mcp.answers import Answer

_PATIENCE = 600.0  # seconds that a server may be silent once it has asked the client something
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_LONGEST_ID = 1024  # bytes of an event id of a server's
_POLLS = "2025-11-25"  # from this revision on a stream may end early, and the client fetches the rest
Again = Callable[[bytes, float], Awaitable[Reply]]
"""Last event id and seconds to wait → the rest of the stream."""


class _Logged(msgspec.Struct):
    level: str = ""


_logged = msgspec.json.Decoder(_Logged).decode


class Turning:
    """One stream."""

    __slots__ = ("_again", "_answer", "_frames", "_last", "_line", "_offered", "_parking", "_tell", "_wait")

    def __init__(self, answer: "Answer", line: Line | None, again: Again | None, tell: Tell | None) -> None:
        self._parking = answer.parking
        self._answer, self._line, self._again, self._tell = answer, line, again, tell
        self._frames: EventFrames | None = None
        self._last = b""
        self._wait = RETRY
        self._offered = False
        """True once the client can take the stream up again by itself."""

    def reply(self, frames: Frames) -> Reply:
        """The client's stream for the server's."""
        cut = self._line.cut if self._line is not None else _nothing
        self._frames = EventFrames(frames, self._turn, cut, self._go_on)
        return Reply(200, list(EVENTS), self._frames, form="events")

    def _turn(self, block: bytes) -> tuple[bytes, bool]:
        """Whole events → the client's, and whether the response was among them."""
        if self._answer.passes:
            return self._passing(block)
        turned: list[bytes] = []
        answered = False
        for start, end in spans(block):
            event = block[start:end]
            data, place = data_of(event), self._placed(event)
            if not data:
                if event[:1] == b":":
                    turned.append(event)  # a comment keeps the connection open
                elif place is not None:
                    turned.append(write_event(b"", None, place, retry_of(event)))
                continue
            env = env_of(data)
            if self._parks(env):
                return b"".join(turned) + self._park(env, block[end:]), True
            message = self._message(env, data)
            if message:
                turned.append(write_event(message, "message", place))
            answered = answered or env.kind == "response"
        return b"".join(turned), answered

    def _parks(self, env: Env) -> bool:
        """Whether the call shall wait at its server until its client has answered."""
        return self._parking is not None and env.kind == "request" and self._may_ask(env)

    def _park(self, env: Env, rest: bytes) -> bytes:
        assert self._parking is not None
        assert self._frames is not None
        later = [data for start, end in spans(rest) if (data := data_of(rest[start:end]))]
        result = self._parking.park(env, self._frames, later)
        return write_event(write_result(self._answer.call.id, result), "message")

    def _placed(self, event: bytes) -> bytes | None:
        """The event id that the client gets; None where the server's stream cannot be taken up again by it."""
        line, last = self._line, id_of(event)
        if line is None or not last or len(last) > _LONGEST_ID:
            return None
        self._last = last
        retry = retry_of(event)
        if retry is not None:
            self._wait = retry / 1000
        if line.client is None or self._answer.screened:
            return None
        self._offered = line.client.version >= _POLLS
        return line.event(self._answer.call.id, last)

    async def _go_on(self) -> Frames | None:
        """The server's stream has ended without the response: the rest of it, or None where the client fetches it."""
        if self._offered:
            return None
        if not self._last or self._again is None:
            raise Refusal("upstream_reset", "The upstream ended its stream before the answer.", reason="no response")
        reply = await self._again(self._last, self._wait)
        if reply.status != 200 or media_type(reply.headers) != b"text/event-stream":
            reply.frames.close()
            raise Refusal("upstream_reset", "The upstream does not go on with its stream.", reason=f"{reply.status}")
        return reply.frames

    def _message(self, env: Env, data: bytes) -> bytes | None:
        """One message as the client gets it; None where it is none of its business."""
        if env.kind == "response":
            return self._answer.bridged(self._answer.read(data))
        if env.kind == "notification":
            return self._notified(env, data)
        line = self._line
        if line is None:
            return None  # servers of 2026-07-28 ask by their result
        if line.client is not None and self._may_ask(env):
            if self._frames is not None:
                self._frames.bear(_PATIENCE)
            return set_members(env.text, env.members, {"id": line.question(bytes(env.id))})
        if env.method == "ping":
            line.respond(write_result(bytes(env.id), b"{}"))
        else:  # it was told that nobody can be asked
            line.respond(write_error(Refusal("rpc_method_not_found", "The client cannot be asked."), bytes(env.id)))
        return None

    def _may_ask(self, env: Env) -> bool:
        """Only for what the client declared, and with no link but to a web page."""
        known = env.method in CAPABILITY and can_ask(self._answer.call, env.method)
        return known and params_fit(bytes(env.params))

    def _notified(self, env: Env, data: bytes) -> bytes | None:
        line = self._line
        if line is not None and self._tell is not None and note(line.server, env, self._tell):
            listed = line.client is not None and env.method != "notifications/resources/updated"
            return data if listed else None  # whoever listens hears it; a client that does not, on its call's stream
        if env.method == "notifications/progress" and line is not None and line.client is None:
            token = bytes(self._answer.call.meta.get("progressToken", b"null"))
            return edit(env, params={"progressToken": token})
        return data if log_wanted(self._answer.call, env) else None

    def _passing(self, block: bytes) -> tuple[bytes, bool]:
        """Between modern sides nothing changes; but no answer of another call's passes, and no request."""
        if b'"id"' not in block and b"\\u" not in block:
            return block, False
        kept: list[bytes] = []
        answered = False
        for start, end in spans(block):
            event = block[start:end]
            data = data_of(event)
            env = env_of(data) if data else None
            if env is not None and env.kind == "request":
                continue
            if env is not None and env.kind == "response":
                self._answer.check(self._answer.read(data))
                self._answer.note(data, env)
                answered = True
            kept.append(event)
        return b"".join(kept), answered


def log_wanted(call: McpCall, env: Env) -> bool:
    """Logs only from the level that was asked for; a modern client that named none is told none."""
    if env.method != "notifications/message":
        return True
    least = _level(call)
    if least not in _LEVELS:
        return call.era == "legacy"
    try:
        level = _logged(env.params).level
    except msgspec.MsgspecError:
        return True
    return level not in _LEVELS or _LEVELS.index(level) >= _LEVELS.index(least)


def _level(call: McpCall) -> str:
    """The least severe log messages that the client wants."""
    if call.era == "legacy":
        return call.session.level if call.session is not None else ""
    try:
        return msgspec.json.decode(call.meta.get(LOG_LEVEL_KEY, b'""'), type=str)
    except msgspec.MsgspecError:
        return ""


def _nothing() -> None:
    """A modern server knows by the closed connection that nobody waits."""
