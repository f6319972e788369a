"""How a call of a session ends before its time: when its client says so, not when its connection breaks."""

import asyncio

from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.core.ports import Kit
from triplegate.gates.mcp.frames import Around, Told
from triplegate.gates.mcp.keeping import KeptFrames
from triplegate.wire.mcp_marks import Marks


class Ending:
    """One call's; made by the task that carries it out."""

    __slots__ = ("_kept", "_left", "_task", "ended")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._kept: KeptFrames | None = None
        self.ended = self._left = False

    def leave(self) -> None:
        """The client has lost its connection: the call goes on, and what it says is kept."""
        self._left = True
        if self._kept is not None:
            self._kept.leave()

    def end(self) -> None:
        """The client wants the call no more: whatever is awaited for it is given up."""
        if not self.ended and self._task is not None:
            self.ended = True
            self._task.cancel()

    def caught(self) -> BaseException:
        """What is to be raised in the place of a cancellation that was met."""
        if not self.ended:
            return asyncio.CancelledError()
        if self._task is not None:
            self._task.uncancel()
        return Refusal("call_cancelled", "The call was cancelled.")

    def guard(self, reply: Reply, kit: Kit, marks: Marks, session: str, call: bytes) -> "KeptFrames | None":
        """Let the frames of a stream end in the same way, and be kept; None where the reply is no stream."""
        if type(reply.frames) is OneFrame or not isinstance(reply.frames, Told):
            return None
        kept = reply.frames = self._kept = KeptFrames(EndingFrames(reply.frames, self), kit, marks, session, call)
        if self._left:
            kept.leave()
        return kept


class EndingFrames(Around, Told):
    """A stream that ends with an error when its call is cancelled."""

    __slots__ = ("_ending", "_rest")
    _rest: Told

    def __init__(self, rest: Told, ending: Ending) -> None:
        self._rest, self._ending = rest, ending
        self.answered, self.done = rest.answered, rest.done

    async def __anext__(self) -> bytes:
        """The next events. Raises Refusal call_cancelled, and what the stream raises."""
        try:
            frame: bytes = await self._rest.__anext__()
        except asyncio.CancelledError:
            raise self._ending.caught() from None
        finally:
            self.answered, self.done = self._rest.answered, self._rest.done
        return frame
