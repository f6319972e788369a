"""The leader's commands as the other workers of the node reach them: a Unix socket, one connection a call."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.upstreams.coming import Coming
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_remote import Asked, Cutter, Said, frame
from triplegate.upstreams.unix import bind

SOCKET = "stdio.sock"
_FOREVER = Dispatch(first_byte=1e9, idle=1e9, total=1e9, stream=1e9)  # whoever asks keeps the time, and hangs up


class StdioDoor:
    """Answers the other workers; closed with the worker."""

    def __init__(self, kit: Kit, state: Path) -> None:
        self._kit, self._path = kit, state / SOCKET
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Caller(self._kit), sock=bind(self._path))

    def close(self) -> None:
        """Take no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)


class _Caller(asyncio.Protocol):
    """One call of another worker."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._cutter = Cutter()
        self._transport: Any = None
        self._cancel: Any = None
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It will ask."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """The question, once."""
        try:
            messages = self._cutter.feed(data)
            if messages and self._cancel is None:
                asked = msgspec.msgpack.decode(messages[0], type=Asked)
                self._cancel = self._kit.supervisor.spawn(self._serve(asked), "command for another worker")
        except (ValueError, msgspec.MsgspecError, Refusal):
            self._transport.abort()

    def pause_writing(self) -> None:
        """It is slow."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has heard all, or does not want to."""
        self._room.set()
        if self._cancel is not None:
            self._cancel()

    async def _serve(self, asked: Asked) -> None:
        try:
            reply = await self._reply(asked)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        try:
            self._say(Said(status=reply.status, headers=reply.headers, last=reply.frames.done))
            if not reply.frames.done:
                async for piece in reply.frames:
                    await self._room.wait()
                    self._say(Said(piece=piece))
                self._say(Said(last=True))
        except Refusal as refusal:
            self._refuse(refusal)
        finally:
            reply.frames.close()

    async def _reply(self, asked: Asked) -> Reply:
        server = next((one for key, one in self._kit.states.named(StdioServer) if key == asked.key), None)
        if server is None:
            raise Refusal("upstream_unreachable", "The command is not known.", reason="another configuration")
        coming = await server.open(asked.method, asked.headers, asked.body, asked.owner)
        return await coming.reply(_FOREVER, None) if isinstance(coming, Coming) else coming

    def _refuse(self, refusal: Refusal) -> None:
        self._say(Said(code=refusal.code, reason=refusal.reason, retry_after=refusal.retry_after))

    def _say(self, said: Said) -> None:
        self._transport.write(frame(said))
