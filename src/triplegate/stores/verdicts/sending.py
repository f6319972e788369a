"""How a question reaches its guard: by a post to its own place, or through our llm gate, limited and booked."""

from typing import Protocol, cast

from triplegate.core.clock import Clock
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Headers, Inbound
from triplegate.core.ports import Kit, Place
from triplegate.core.watching import Retelling
from triplegate.wire.standard_webhooks import signed

_MOST = 1 << 20
"""Bytes of an answer."""


class Unanswered(Exception):
    """A guard that gave no verdict; its text says why in words of ours."""


class Send(Protocol):
    """question → answer."""

    async def __call__(self, exchange: Exchange, body: bytes, seconds: float, /) -> bytes:
        """The body of a good answer. Raises Unanswered, Refusal."""
        ...


class Posting:
    """To a place that the configuration names."""

    __slots__ = ("_clock", "_headers", "_key", "_place")

    def __init__(self, place: Place, key: str | None, secret: str | None, clock: Clock, *, dated: bool) -> None:
        """`key`: shown as a bearer token; `secret`: signs; `dated`: with the fields of Standard Webhooks."""
        self._place, self._key, self._clock = place, secret, clock if dated else None
        self._headers: Headers = [(b"authorization", b"Bearer " + key.encode())] if key else []

    async def __call__(self, exchange: Exchange, body: bytes, seconds: float, /) -> bytes:
        """Answers other than 2xx are none."""
        headers = self._headers
        if self._clock is not None:
            headers = [*headers, *signed(self._key, exchange.house.make_id(), int(self._clock.wall()), body)]
        status, content = await self._place.post(headers, body, seconds, _MOST)
        if not 200 <= status < 300:
            raise Unanswered(f"status {status}")
        return content


class Inward(Inbound, frozen=True, eq=False):
    """A guard's own question: guards that others run do not look at it, or they would never end."""


class Reentering:
    """Through the whole chain of a model of ours, for whoever made the call: access, limits and the ledger hold."""

    __slots__ = ("_kit", "_path")

    def __init__(self, kit: Kit, path: str) -> None:
        self._kit, self._path = kit, path

    async def __call__(self, exchange: Exchange, body: bytes, seconds: float, /) -> bytes:
        """Answers other than 200 are none."""
        reenter = self._kit.reenter
        if reenter is None:
            raise Unanswered("no gate to ask")
        inbound = self._inbound(exchange, body)
        content = bytearray()
        async with reenter.call(exchange, inbound) as reply:
            if reply.status != 200:
                raise Unanswered(f"status {reply.status}")
            async for frame in reply.frames:
                content += frame
                if len(content) > _MOST:
                    raise Unanswered("too long an answer")
        return bytes(content)

    def _inbound(self, exchange: Exchange, body: bytes) -> Inward:
        headers: Headers = [
            (b"user-agent", b"triplegate"),
            (b"x-request-id", exchange.request_id),
            (b"traceparent", exchange.trace),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
            (b"cache-control", b"no-store"),
        ]
        asked = exchange.inbound
        fields = {name: getattr(asked, name) for name in asked.__struct_fields__}
        gate = cast("Retelling", exchange.gate)
        return Inward(
            **fields
            | {
                "method": "POST",
                "path": gate.base + self._path,
                "query": b"",
                "headers": headers,
                "body": BytesBody(body),
                "protocol": "http",
            }
        )


def is_inward(exchange: Exchange) -> bool:
    """Whether it is a guard's own question, or asked on behalf of one."""
    return type(exchange.inbound) is Inward
