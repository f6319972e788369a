"""Batches of 2025-03-26: every message runs the whole chain as a call of its own, one after the other."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Reply
from triplegate.core.ports import Reenter
from triplegate.gates.mcp.asking import media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.own import accepted
from triplegate.gates.mcp.refusals import json_reply
from triplegate.wire.jsonrpc import read
from triplegate.wire.sse import SseCutter, data_of, spans

LARGEST = 16 * 1024 * 1024
"""Bytes of all answers together."""


async def answer_batch(exchange: Exchange, call: McpCall, reenter: Reenter | None) -> Reply:
    """The responses as an array; 202 when there are none. Raises Refusal upstream_malformed over the bound."""
    if reenter is None:
        raise Refusal("overloaded", "Batches cannot be answered at the moment.", reason="no reenter")
    if exchange.admission is not None:
        exchange.admission.taken = ()  # its messages are calls of their own: each takes its own claims
    answers: list[bytes] = []
    size = 0
    for message in call.messages:
        inbound = msgspec.structs.replace(exchange.inbound, body=BytesBody(message))
        async with reenter.call(exchange, inbound) as reply:
            for text in await _responses(reply, LARGEST - size):
                answers.append(text)
                size += len(text)
    return json_reply(b"[%b]" % b",".join(answers)) if answers else accepted()


async def _responses(reply: Reply, most: int) -> list[bytes]:
    """The response in a reply of ours, whatever its form; notifications of a stream have no place in a batch."""
    cutter = SseCutter(LARGEST) if media_type(reply.headers) == b"text/event-stream" else None
    parts: list[bytes] = []
    size = 0
    async for frame in reply.frames:
        size += len(frame)
        if size > most:
            raise Refusal("upstream_malformed", "The answers to the batch are too large.", reason="too large")
        parts.append(frame if cutter is None else cutter.feed(frame))
    text = b"".join(parts)
    if cutter is None:
        return [text] if text else []
    found = [data_of(text[start:end]) for start, end in spans(text)]
    return [data for data in found if data and read(data, 1000).kind == "response"]
