"""A WebSocket that is relayed message by message between a client and an upstream, whichever gate opened it."""

import asyncio

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Channel, Duplex
from triplegate.core.ports import Supervisor
from triplegate.upstreams.websocket import Socket


class Relay(Duplex, kw_only=True, eq=False):
    """Client and upstream, message after message each way; what ends one side ends the other."""

    socket: Socket
    supervisor: Supervisor

    async def run(self, client: Channel) -> None:
        """Relay both ways until one side ends, then close the other. Raises Refusal, Gone."""
        socket = self.socket
        upward = _Upward(socket, client)
        cancel = self.supervisor.spawn(upward.run(), "websocket")
        try:
            while (message := await socket.receive()) is not None:
                await client.send(message)
        except asyncio.CancelledError:
            socket.end(1001, "")  # the gateway ends it: the drain, say; what was cut already stays cut
            raise
        finally:
            cancel()
        if upward.error is not None:
            raise upward.error
        last = socket.last
        assert last is not None
        await client.close(last.code, last.reason)


class _Upward:
    """The client's messages on their way to the upstream."""

    __slots__ = ("_client", "_relay", "_socket", "error")

    def __init__(self, socket: Socket, client: Channel) -> None:
        self._socket, self._client = socket, client
        self._relay = asyncio.current_task()
        self.error: Exception | None = None
        """What broke on this side."""

    async def run(self) -> None:
        """Until the client ends, leaves or breaks something; each ends the upstream's side too."""
        socket, client = self._socket, self._client
        try:
            while (message := await client.receive()) is not None:
                await socket.send(message)
            socket.end(*client.ended)
        except Gone:
            socket.abort()
            if self._relay is not None:
                self._relay.cancel()  # it may be waiting for a client that takes nothing any more
        except Refusal as refusal:
            socket.fail(refusal, 1001)
        except Exception as error:  # noqa: BLE001 - raised where the exchange's own task is
            self.error = error
            socket.end(1011, "")
