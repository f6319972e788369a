"""A stream on which the client of a session is asked first, and which then goes on with what its answers lead to."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, Headers, Reply
from triplegate.core.ports import Mailbox
from triplegate.gates.mcp.asking import media_type
from triplegate.gates.mcp.frames import Told
from triplegate.wire.jsonrpc import NOTHING, Env, read
from triplegate.wire.sse import write_comment, write_event

EVENTS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"server", b"triplegate"),
]
KEPT = 600.0
"""Seconds an answer waits for whoever asked."""
_STILL_HERE = 15.0  # seconds between two signs of life while a client thinks
_PAUSE = 0.1  # seconds before a server that asks nothing is called again
_BLANKS = bytes.maketrans(b"\r\n", b"  ")
BOX = "mcp:a:"


class Asking:
    """One round: questions to a client, and the box where its answers arrive from whatever node."""

    __slots__ = ("_after", "_answers", "_box", "_ids", "_mailbox", "events", "until")

    def __init__(self, mailbox: Mailbox, box: str, questions: Mapping[str, tuple[bytes, bytes]], until: float) -> None:
        """`questions`: key → (raw id, the request without its id as JSON members); `until`: monotonic seconds."""
        self._mailbox, self._box, self._after = mailbox, BOX + box, ""
        self._ids = {identity: key for key, (identity, _) in questions.items()}
        self._answers: dict[str, bytes] = {}
        self.until = until
        self.events = b"".join(
            [
                write_event(b'{"jsonrpc":"2.0","id":%b,%b}' % (identity, members), "message")
                for identity, members in questions.values()
            ]
        )
        """What the client is sent."""

    async def wait(self, seconds: float) -> Mapping[str, bytes] | None:
        """Key → raw result, once all are there; None when they are not within `seconds`.

        Raises Refusal question_unanswered when the client answers with an error.
        """
        if not self._ids:  # it only asks to be called again
            await asyncio.sleep(_PAUSE)
            return self._answers
        for place, message in await self._mailbox.read(self._box, self._after, seconds):
            self._after = place
            env = read(message)
            key = self._ids.get(bytes(env.id))
            if key is not None and key not in self._answers:
                self._answers[key] = _result(env)
        return self._answers if len(self._answers) == len(self._ids) else None


def _result(env: Env) -> bytes:
    if env.result == NOTHING:
        raise Refusal("question_unanswered", "The client did not answer what it was asked.", reason="an error")
    return bytes(env.result)


GoOn = Callable[[Mapping[str, bytes]], Awaitable["Reply | Asking"]]
"""Answers → the reply, or another round."""


class TalkFrames(Told):
    """Rounds of questions, then a reply of whatever form as events."""

    __slots__ = ("_asking", "_clock", "_go_on", "_rest", "_sent", "_size", "_whole", "again")

    def __init__(self, clock: Clock, asking: Asking | None, go_on: GoOn, rest: Reply | None = None) -> None:
        """Either begins with questions or with a reply that may lead to some."""
        self._clock, self._asking, self._go_on = clock, asking, go_on
        self._sent = False
        self._rest: Frames | None = None
        self.again: Callable[[], Asking | None] | None = None
        """Asked at the end of a reply: another round after all?"""
        self.answered = self.done = False
        if rest is not None:
            self._begin(rest)

    @property
    def ready(self) -> bool:
        """The questions are."""
        return not self._sent and self._asking is not None

    async def __anext__(self) -> bytes:
        """Questions, signs of life, then the reply. Raises Refusal question_unanswered, upstream_*."""
        while not self.done:
            if self._asking is not None:
                told = await self._talk(self._asking)
            else:
                told = await self._relay()
            if told or self.done:
                return told
        raise StopAsyncIteration

    async def _talk(self, asking: Asking) -> bytes:
        if not self._sent:
            self._sent = True
            return asking.events
        left = asking.until - self._clock.now()
        if left <= 0:
            raise Refusal("question_unanswered", "The client did not answer in time.")
        answers = await asking.wait(min(left, _STILL_HERE))
        if answers is None:
            return write_comment()
        self._asking = None
        outcome = await self._go_on(answers)
        if isinstance(outcome, Asking):
            self._asking, self._sent = outcome, False
        else:
            self._begin(outcome)
        return b""

    def _begin(self, reply: Reply) -> None:
        self._rest = reply.frames
        self._whole = media_type(reply.headers) != b"text/event-stream"
        self._size = 0

    async def _relay(self) -> bytes:
        rest = self._rest
        assert rest is not None
        try:
            frame: bytes = await rest.__anext__()
        except StopAsyncIteration:
            return self._end(rest, b"")
        if self._whole:  # line ends in JSON are blanks between its words, never part of them
            frame = frame.translate(_BLANKS)
            if not self._size:
                frame = b"event: message\ndata: " + frame
            self._size += len(frame)
        return self._end(rest, frame) if rest.done else frame

    def _end(self, rest: Frames, frame: bytes) -> bytes:
        if self._whole:
            self.answered = self.done = True
            return frame + b"\n\n"
        self._asking = self.again() if self.again is not None else None
        self._sent = False
        self.done = self._asking is None
        self.answered = self.done and (not isinstance(rest, Told) or rest.answered)
        return frame

    def close(self) -> None:
        """Nobody waits any more."""
        if self._rest is not None:
            self._rest.close()


def talk_reply(frames: TalkFrames) -> Reply:
    """The reply that such a stream is."""
    return Reply(200, list(EVENTS), frames, form="events", source="local")


def members_of(method: str, params: bytes) -> bytes:
    """A request without its id, as members."""
    named = msgspec.json.encode(method)
    return b'"method":%b,"params":%b' % (named, params) if params else b'"method":%b' % named
