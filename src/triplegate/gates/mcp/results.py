"""What tools say, held against a size and their own schemas before a client reads it."""

from collections.abc import Awaitable, Callable

import msgspec

from triplegate.config.documents_control import Held
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Frames, Reply
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.cutting import cut, too_large
from triplegate.gates.mcp.frames import TurnedFrames
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.schemas import Schemas
from triplegate.wire.json_members import read_members, set_members
from triplegate.wire.jsonrpc import read
from triplegate.wire.sse import write_event

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer that are gathered at all."""

_DEPTH = 1000
_LABEL = "result"
_TRUE = msgspec.Raw(b"true")
_COMPLETE = msgspec.Raw(b'"complete"')
Judge = Callable[[bytes], Awaitable[bytes]]
"""A raw result → what the client gets of it. Raises Refusal."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """What is asked of the results of one server."""

    largest: int | None = None
    over: str = "cut"
    held: Held = "off"


class Results:
    """Judges results."""

    __slots__ = ("_schemas",)

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    async def judged(self, exchange: Exchange, item: Item, bounds: Bounds, result: bytes) -> bytes:
        """The result as it passes. Raises Refusal result_too_large, result_invalid."""
        if bounds.largest is not None and len(result) > bounds.largest:
            if bounds.over == "refuse" or item.kind != "tool":
                raise too_large(bounds.largest)
            result = cut(result, bounds.largest)
        if bounds.held != "off" and item.kind == "tool":
            fault = await self._fault(item, result)
            if fault and bounds.held == "enforce":
                raise Refusal(
                    "result_invalid",
                    f"The tool's result does not fit its own schema. {fault}",
                    reason="a result that does not fit the schema",
                )
            if fault:
                exchange.decisions.append((_LABEL, "would refuse", "result_invalid"))
        return result

    async def _fault(self, item: Item, result: bytes) -> str:
        schema = (await self._schemas.of(item.own)).result
        if schema is None:
            return ""
        members = read_members(result)
        if members.get("isError") == _TRUE or members.get("resultType", _COMPLETE) != _COMPLETE:
            return ""
        said = members.get("structuredContent")
        return "structuredContent is missing" if said is None else await self._schemas.why_not(schema, bytes(said))


async def screened(reply: Reply, call: McpCall, judge: Judge) -> Reply:
    """The reply with its result judged: a whole one before anything is sent, a streamed one in its stream."""
    if reply.form == "events":
        return Reply(reply.status, reply.headers, ScreenedFrames(reply.frames, call.id, judge), form="events")
    text = await whole(reply.frames)
    changed = await _judged(text, judge)
    answer = json_reply(changed, reply.status)
    answer.source = reply.source
    return answer


async def whole(frames: Frames) -> bytes:
    """All of an answer. Raises Refusal result_too_large."""
    parts: list[bytes] = []
    size = 0
    try:
        async for frame in frames:
            parts.append(frame)
            size += len(frame)
            if size > LARGEST:
                raise too_large(LARGEST)
    finally:
        frames.close()
    return b"".join(parts)


async def _judged(text: bytes, judge: Judge) -> bytes:
    try:
        env = read(text, _DEPTH)
    except Refusal as refusal:
        reason = f"{refusal.code}: {refusal.detail}"
        raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason=reason) from refusal
    if env.kind != "response" or len(env.error):
        return text
    result = bytes(env.result)
    judged = await judge(result)
    return text if judged is result else set_members(env.text, env.members, {"result": judged})


class ScreenedFrames(TurnedFrames):
    """A stream of which the response is judged."""

    __slots__ = ("_judge",)

    def __init__(self, rest: Frames, identity: bytes, judge: Judge) -> None:
        super().__init__(rest, identity)
        self._judge = judge

    async def _turned(self, block: bytes) -> bytes:
        return await super()._turned(block) if b'"result"' in block else block

    async def _event(self, event: bytes, data: bytes) -> bytes:
        """The event with its result as it passes."""
        changed = await _judged(data, self._judge) if data else data
        if changed is data:
            return event
        others = [line for line in event.splitlines() if line and not line.startswith(b"data")]
        return b"".join([line + b"\n" for line in others]) + write_event(changed)
