"""Calls of clients of 2026-07-28 that wait at a server with sessions: it asked, and the call made again answers it.

The node that called reads on into a box; the call made again may come to any node, which answers the server and reads
from there.
"""

import secrets
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Frames
from triplegate.core.ports import Kit, Mailbox
from triplegate.gates.mcp.call import McpCall, Parked
from triplegate.gates.mcp.frames import EventFrames
from triplegate.gates.mcp.line import Line, post
from triplegate.gates.mcp.questions import PARKED, WITHIN, Question, Questions, read_answer
from triplegate.wire.jsonrpc import Env, write_result
from triplegate.wire.sse import SseCutter, data_of, spans, write_event

if TYPE_CHECKING:
    from triplegate.gates.mcp.server import Server

CAN = b'{"elicitation":{},"sampling":{},"roots":{}}'
"""What a server is told that such clients can be asked; one that cannot is not asked all the same."""
_BEAT = 5.0  # seconds between two signs of life of the node that reads
_GONE = 20.0  # seconds without any after which it is given up
_BOX = "mcp:p:"
_END = b"."


class Parking:
    """Parks one call."""

    __slots__ = ("_call", "_exchange", "_kit", "_line", "_questions")

    def __init__(self, exchange: Exchange, call: McpCall, line: Line, questions: Questions, kit: Kit) -> None:
        self._exchange, self._call, self._line = exchange, call, line
        self._questions, self._kit = questions, kit

    def park(self, asked: Env, frames: EventFrames, later: list[bytes]) -> bytes:
        """The result that asks the client what the server asks; `later`: messages that came behind the question.

        Raises Refusal overloaded.
        """
        line = self._line
        rest, cutter = frames.release()
        if isinstance(rest, BoxFrames):
            box, after = rest.box, rest.place
        else:
            box, after = secrets.token_urlsafe(12), ""
            self._kit.supervisor.spawn(_read_on(self._kit, _BOX + box, rest, cutter, later, line), "parked call")
        session = line.session.version.encode("ascii") + b" " + line.session.id
        params = asked.params if len(asked.params) else msgspec.Raw(b"{}")
        parked = Parked(box, after, line.server.name, session, line.number, asked.id, asked.method, params)
        return self._questions.parked(self._exchange, self._call, parked)


async def _read_on(kit: Kit, box: str, rest: Frames, cutter: SseCutter, later: list[bytes], line: Line) -> None:
    """Everything that the server says goes into the box, until its answer; nobody comes for it: the call ends."""
    ended = False
    try:
        for message in later:
            await kit.mailbox.append(box, message, WITHIN)
        until = kit.clock.now() + 2 * WITHIN
        while not ended and kit.clock.now() < until:
            if not await rest.comes(_BEAT):
                await kit.mailbox.append(box, b"", WITHIN)
                continue
            try:
                block = cutter.feed(await rest.__anext__())
            except StopAsyncIteration:
                ended = True
                break
            for start, end in spans(block):
                if data := data_of(block[start:end]):
                    await kit.mailbox.append(box, data, WITHIN)
            ended = rest.done
    except (Refusal, ValueError):
        ended = False  # what is left of it cannot be kept: whoever comes for it is told so
    finally:
        rest.close()
    if not ended:
        line.cut()
    await _finish(kit.mailbox, box)


async def _finish(mailbox: Mailbox, box: str) -> None:
    try:
        await mailbox.append(box, _END, WITHIN)
    except Refusal:
        return


class BoxFrames(Frames):
    """What a server goes on to say, as events, one at a time."""

    __slots__ = ("_found", "_mailbox", "box", "place")

    def __init__(self, mailbox: Mailbox, box: str, after: str) -> None:
        self._mailbox, self.box, self.place = mailbox, box, after
        self._found: list[tuple[str, bytes]] = []
        self.done = False

    @property
    def ready(self) -> bool:
        """Whether something is here."""
        return bool(self._found)

    async def __anext__(self) -> bytes:
        """The next message. Raises Refusal upstream_reset when the node that reads is gone."""
        while True:
            if not self._found:
                self._found = await self._mailbox.read(_BOX + self.box, self.place, _GONE)
            if not self._found:
                raise Refusal("upstream_reset", "The call that waited is gone.", reason="nothing is heard of its node")
            self.place, message = self._found.pop(0)
            if message == _END:
                raise StopAsyncIteration
            if message:
                return write_event(message, "message")

    def close(self) -> None:
        """What is in the box stays for a while."""


async def answer(server: "Server", line: Line, parked: Parked, given: bytes | None) -> bool:
    """Give the server the client's answer; False when there is none that fits. Raises Refusal upstream_*."""
    question = Question(PARKED, bytes(parked.params), parked.method)
    said = read_answer(question, given)
    if said is None:
        return False
    await post(server, line.session, write_result(bytes(parked.question), said.raw))
    return True
