"""A server of 2026-07-28 asks by its result, a client in a session over its stream: rounds between the two."""

import secrets
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.gates.mcp.answers import Answer
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.questions import CAPABILITY, WITHIN, can_ask
from triplegate.gates.mcp.talking import Asking, TalkFrames, members_of, talk_reply
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_marks import Marks

MOST = 10
"""Rounds of one call."""
_MOST_AT_ONCE = 32


class _Request(msgspec.Struct):
    method: str
    params: msgspec.Raw = msgspec.Raw(b"")


class _Asked(msgspec.Struct):
    inputRequests: dict[str, _Request] = {}  # noqa: N815 - as on the wire
    requestState: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815 - as on the wire


_asked = msgspec.json.Decoder(_Asked).decode
Send = Callable[[Mapping[str, bytes]], Awaitable[tuple[Answer, Reply]]]
"""The call made again with these members of its params, and what came back."""


class Rounds:
    """One call's rounds."""

    __slots__ = ("_answer", "_call", "_kit", "_left", "_marks", "_send", "_state")

    def __init__(self, call: McpCall, answer: Answer, send: Send, kit: Kit, marks: Marks) -> None:
        self._call, self._answer, self._send, self._kit, self._marks = call, answer, send, kit, marks
        self._left = MOST
        self._state = b""

    def follow(self, reply: Reply) -> Reply:
        """The client's reply: `reply` itself where nothing is asked and nothing can be any more."""
        if self._answer.asked is not None:
            reply.frames.close()
            return talk_reply(TalkFrames(self._kit.clock, self._asking(), self._go_on))
        if reply.form != "events":
            return reply
        frames = TalkFrames(self._kit.clock, None, self._go_on, reply)
        frames.again = self._again
        return Reply(reply.status, reply.headers, frames, form="events")

    def _again(self) -> Asking | None:
        return None if self._answer.asked is None else self._asking()

    def _asking(self) -> Asking:
        """The next round. Raises Refusal upstream_malformed, upstream_failed."""
        result = self._answer.asked
        assert result is not None
        try:
            asked = _asked(result)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason=str(error)) from error
        self._left -= 1
        if self._left < 0 or len(asked.inputRequests) > _MOST_AT_ONCE:
            raise Refusal(
                "upstream_failed", "The upstream asks too much.", reason=f"{len(asked.inputRequests)} at once"
            )
        self._state = bytes(asked.requestState)
        box = secrets.token_urlsafe(12)
        session = self._call.session
        assert session is not None
        questions: dict[str, tuple[bytes, bytes]] = {}
        for number, (key, request) in enumerate(asked.inputRequests.items()):
            if request.method not in CAPABILITY or not can_ask(self._call, request.method):
                raise Refusal(
                    "upstream_failed", "The upstream asks what the client cannot answer.", reason=request.method
                )
            identity = self._marks.question(session.id, "", f"{box}.{number}".encode())
            questions[key] = (identity, members_of(request.method, bytes(request.params)))
        return Asking(self._kit.mailbox, box, questions, self._kit.clock.now() + WITHIN)

    async def _go_on(self, answers: Mapping[str, bytes]) -> Reply | Asking:
        changes: dict[str, bytes] = {}
        if answers:
            changes["inputResponses"] = encode({key: msgspec.Raw(raw) for key, raw in answers.items()})
        if self._state:
            changes["requestState"] = self._state
        self._answer, reply = await self._send(changes)
        if self._answer.asked is not None:
            reply.frames.close()
            return self._asking()
        return reply
