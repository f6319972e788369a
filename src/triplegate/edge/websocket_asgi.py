"""A client's WebSocket as granian hands it over, message by message, and within what granian can do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from triplegate.core.errors import Gone
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, Message
from triplegate.edge.websocket import WebSocketLine
from triplegate.wire.websocket import fitting, may_be_sent

_PATIENCE = 2.0
"""Seconds for a close frame to go out."""
_CHOSEN = b"sec-websocket-protocol"


class AsgiLine(WebSocketLine):
    """Three calls end the whole process inside granian 2.8: `receive` after `close`, a name twice among the fields of
    a refusal, and a refusal's body in pieces. None of them is made here.
    """

    __slots__ = ("_asgi_receive", "_asgi_send", "_pending")

    def __init__(
        self,
        exchange: Exchange,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
        write_idle: float,
    ) -> None:
        super().__init__(exchange, write_idle)
        self._asgi_receive, self._asgi_send = receive, send
        self._pending: asyncio.Task[Any] | None = None
        """The task that waits for a message."""

    async def _open(self, headers: Headers) -> None:
        """Only the subprotocol can be told: granian sends no other field with 101."""
        message: dict[str, Any] = {"type": "websocket.accept"}
        for name, value in headers:
            if name == _CHOSEN:
                message["subprotocol"] = value.decode("latin-1")
        await self._say(message)

    async def _receive(self) -> Message | None:
        if self.closed:
            raise Gone
        self._pending = asyncio.current_task()
        try:
            event = await self._asgi_receive()
            if event["type"] == "websocket.connect":
                event = await self._asgi_receive()
        except RuntimeError:
            raise Gone from None
        finally:
            self._pending = None
        if event["type"] == "websocket.disconnect":
            self.ended = (event.get("code", 1005), event.get("reason") or "")
            return None
        text = event.get("text")
        return Message(event["bytes"]) if text is None else Message(text.encode(), text=True)

    async def _send(self, message: Message) -> None:
        if message.text:
            await self._say({"type": "websocket.send", "text": message.data.decode()})
        else:
            await self._say({"type": "websocket.send", "bytes": message.data})

    async def _say(self, message: dict[str, Any]) -> None:
        try:
            await self._asgi_send(message)
        except RuntimeError:
            self.gone = True
            raise Gone from None

    async def _end(self, code: int, reason: str, trailers: Headers) -> None:
        """A code that may not be sent is told by leaving: granian then closes without one."""
        if self.ended[0]:
            return
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.wait({self._pending}, timeout=_PATIENCE)  # granian closes only what nobody reads
        if may_be_sent(code):
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._asgi_send({"type": "websocket.close", "code": code, "reason": fitting(reason)})
            except (TimeoutError, RuntimeError):
                self.gone = True

    async def refuse(self, status: int, headers: Headers, content: bytes) -> None:
        """The answer instead of 101; the connection ends with it, and whatever the client sent ahead (P-22)."""
        joined: dict[bytes, bytes] = {}
        for name, value in headers:
            if name not in joined:
                joined[name] = value
            elif name != b"set-cookie":
                joined[name] += b", " + value
        joined[b"connection"] = b"close"
        await self._say({"type": "websocket.http.response.start", "status": status, "headers": list(joined.items())})
        await self._say({"type": "websocket.http.response.body", "body": content})

    def abort(self) -> None:
        """Granian ends the connection when the exchange's task does."""
