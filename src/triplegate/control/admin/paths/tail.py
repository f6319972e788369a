"""The last exchanges, and the live tail as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter
from litestar.response import Stream

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.admin.authenticate import still
from triplegate.control.parts import Parts
from triplegate.control.telemetry.tail import KEPT, Entry, Watcher

BEAT = 10.0
"""Seconds between signs of life; the token is proved anew at each."""
LONGEST = 900.0
"""Seconds after which a live tail ends; browsers come back by themselves and continue where they were."""


@get("/exchanges", role=EVERYONE, tenant="own", summary="The last exchanges")
async def exchanges(
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
    most: Annotated[int, QueryParameter(ge=1, le=KEPT)] = KEPT,
) -> list[Entry]:
    """The newest exchanges that the caller sees, oldest first; kept in memory only."""
    parts.telemetry.flush()
    return parts.telemetry.tail.last(lambda entry: caller.sees(entry.org, entry.team), most=most)


@get("/tail", role=EVERYONE, tenant="own", media_type="text/event-stream", summary="The live tail")
async def tail(
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
    after: Annotated[int, QueryParameter(ge=0)] = 0,
) -> Stream:
    """Exchanges as they close: event `exchange` with a JSON line; resumes after Last-Event-ID or `after`."""
    kept = parts.telemetry.tail
    if kept.full:
        raise HTTPException(status_code=503, detail="Too many live tails are open.")
    last = request.headers.get("last-event-id", "")
    begin = int(last) if last.isdecimal() and len(last) < 16 else after
    events = _events(caller, parts, begin if begin <= kept.newest else 0)
    return Stream(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _events(caller: Caller, parts: Parts, after: int) -> AsyncIterator[bytes]:
    def sees(entry: Entry) -> bool:
        return caller.sees(entry.org, entry.team)

    with parts.telemetry.tail.watch(sees) as watcher:
        earlier = parts.telemetry.tail.last(sees, after)
        yield b"retry: 2000\n\n" + b"".join([_event(entry) for entry in earlier])
        if watcher is None:
            return
        async for chunk in _live(watcher, caller, parts):
            yield chunk


async def _live(watcher: Watcher, caller: Caller, parts: Parts) -> AsyncIterator[bytes]:
    now = parts.clock.now
    end, proved = now() + LONGEST, now()
    async for batch in watcher.batches(BEAT):
        if watcher.closed or now() >= end:
            return
        if now() - proved >= BEAT or not batch:
            if not await still(caller, parts):
                return
            proved = now()
        yield b"".join([_event(entry) for entry in batch]) or b": still here\n\n"


def _event(entry: Entry) -> bytes:
    return b"id: %d\nevent: exchange\ndata: %b\n\n" % (entry.seq, msgspec.json.encode(entry))
