"""Calls of our own to models of the llm gate, in the name of whoever made a call: limited, and in the ledger."""

import asyncio
from typing import Any, cast

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Headers
from triplegate.core.money import from_dollars
from triplegate.core.ports import Kit
from triplegate.core.watching import Retelling

_COST = b"x-triplegate-cost"
_encode = msgspec.json.Encoder().encode


class OwnBody(BytesBody):
    """What the gateway asks itself: nothing of it is remembered, and it asks nothing in its turn."""

    __slots__ = ()


async def inside(kit: Kit, exchange: Exchange, path: str, asked: Any, within: float, most: int) -> tuple[bytes, int]:
    """What a model answers, of at most `most` bytes, and what that cost; `path` below the gate's base.

    Raises Refusal (whatever refuses or fails such a call), TimeoutError.
    """
    reenter = kit.reenter
    if reenter is None:
        raise Refusal("overloaded", "Models cannot be asked at the moment.", reason="no reenter")
    gate = cast("Retelling", exchange.gate)
    traced: Headers = [(b"x-request-id", exchange.request_id), (b"traceparent", exchange.trace)]
    kind: Headers = [(b"content-type", b"application/json"), (b"accept", b"application/json")]
    inbound = msgspec.structs.replace(
        exchange.inbound,
        method="POST",
        path=gate.base + path,
        query=b"",
        headers=[(b"user-agent", b"triplegate"), *traced, *kind],
        body=OwnBody(_encode(asked)),
        deadline=None,
    )
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(within), reenter.call(exchange, inbound) as reply:
        async for frame in reply.frames:
            parts.append(frame)
            size += len(frame)
            if size > most:
                raise Refusal("upstream_malformed", "The answer is too large.", reason=f"more than {most} bytes")
        if reply.status != 200:
            raise Refusal("upstream_malformed", "It was not answered.", reason=f"status {reply.status}")
    cost = next((value for name, value in reply.headers if name == _COST), b"0")
    return b"".join(parts), from_dollars(cost.decode("ascii"))
