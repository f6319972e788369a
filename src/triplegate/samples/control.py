"""What every sample has beside its own paths: a journal, the last requests it saw, and latches under /control."""

import asyncio
from collections import deque
from typing import Any

from triplegate.samples.http import Answer, Handler, Refused, Request
from triplegate.samples.journal import Journal
from triplegate.samples.latch import Latches

_SEEN = 100
_WAIT_LIMIT = 30.0


class Control:
    """Wraps a sample's handler; itself a handler.

    `GET /control/requests` shows the last 100 requests with their headers, `GET /control/latch/NAME[?wait=SECONDS]`
    a latch (waiting until its answer ended), `POST /control/latch/NAME?release=N` lets N more pieces pass.
    """

    def __init__(self, sample: str, handler: Handler, latches: Latches, journal: Journal | None = None) -> None:
        self._sample, self._handler, self._latches, self._journal = sample, handler, latches, journal
        self._seen: deque[dict[str, Any]] = deque(maxlen=_SEEN)
        self._count = 0

    async def __call__(self, request: Request) -> Answer:
        """Answer one request, and leave a trace of its start and end."""
        path = request.path
        if path.startswith("/control/"):
            return await self._control(request, path)
        self._count += 1
        number = self._count
        seen = {"n": number, "method": request.method, "target": request.target, "headers": request.headers}
        self._seen.append(seen)
        identity = request.header("x-request-id")
        self._write(event="request", n=number, id=identity, method=request.method, path=request.target)
        try:
            answer = await self._handler(request)
        except Refused as refused:
            answer = refused.answer
        except asyncio.CancelledError:
            seen["outcome"] = "gone"
            self._write(event="gone", n=number, id=identity)
            raise
        inner = answer.ended

        def ended(outcome: str) -> None:
            seen["outcome"] = outcome
            self._write(event=outcome, n=number, id=identity, status=answer.status, **answer.note)
            if inner is not None:
                inner(outcome)

        answer.ended = ended
        return answer

    def _write(self, **line: Any) -> None:
        if self._journal is not None:
            self._journal.write({"sample": self._sample, **line})

    async def _control(self, request: Request, path: str) -> Answer:
        _, _, what, *name = path.split("/", 3)
        if what == "requests" and request.method == "GET":
            return Answer.json(list(self._seen))
        if what != "latch" or not name:
            return Answer.json({"error": "no such control"}, 404)
        latch = self._latches.get(name[0])
        if request.method == "POST":
            latch.release(int(request.number("release", 1, 0, 1_000_000)))
        elif "wait" in request.query:
            await latch.ended(request.number("wait", 0, 0, _WAIT_LIMIT))
        return Answer.json(latch.state())
