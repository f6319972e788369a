"""The listener of the in-loop transport: its connections, how many there may be, and the times nobody else keeps."""

import asyncio
import socket
from email.utils import formatdate

from triplegate.core.clock import Clock
from triplegate.edge.asgi import DataPlane
from triplegate.edge.http1 import Connection

_SWEEP = 0.1
_LINGER = 2.0
"""Seconds that a client has to take the rest of its answer and leave, once we have ended the connection."""


class Http1Server:
    """Serves one listener; one timer for all of its connections."""

    def __init__(
        self,
        plane: DataPlane,
        host: str,
        port: int,
        clock: Clock,
        *,
        connections: int = 16_384,
        header_timeout: float = 10.0,
        scheme: str = "http",
    ) -> None:
        """`connections`: most of them at once; `header_timeout`: seconds until a whole head has come."""
        self.plane, self.scheme = plane, scheme
        self.closing = False
        self.loop: asyncio.AbstractEventLoop
        self.evicted = 0
        """Connections that said nothing yet and had to make room for others."""
        self._host, self._port, self._clock = host, port, clock
        self._most, self._header_timeout = connections, header_timeout
        self._connections: set[Connection] = set()
        self._heads: dict[Connection, float] = {}
        """Connections whose next head is awaited → when it is late; in the order of that."""
        self._ends: dict[Connection, float] = {}
        """Connections that were ended by us → when they are looked at again; in the order of that."""
        self._patience: dict[Connection, float] = {}
        """Those of them that have not taken all of their answer → how long that may last."""
        self._date = b""
        self._timer: asyncio.TimerHandle | None = None
        self._stop = asyncio.Event()
        self._empty = asyncio.Event()

    async def serve(self) -> None:
        """Listen until it was stopped and what was under way has ended. Raises OSError."""
        self.loop = asyncio.get_running_loop()
        self._sweep()
        listening = _listen(self._host, self._port, max(1024, min(self._most, 8192)))
        server = await self.loop.create_server(lambda: Connection(self), sock=listening)
        try:
            await self._stop.wait()
            self.closing = True
            server.close()
            for connection in list(self._connections):
                connection.end()
            while self._connections:
                self._empty.clear()
                await self._empty.wait()
        finally:
            server.close()
            for connection in list(self._connections):
                connection.cut(queued=False)
            if self._timer is not None:
                self._timer.cancel()

    def stop(self) -> None:
        """Take nothing new; what is under way may end."""
        self._stop.set()

    def __len__(self) -> int:
        return len(self._connections)

    # what connections tell -----------------------------------------------------------------------------------
    def admit(self, connection: Connection) -> bool:
        """Count it; where there is no room, the one that has said nothing for longest makes it."""
        self._connections.add(connection)
        if len(self._connections) <= self._most:
            return True
        other = next(iter(self._ends or self._heads), None)
        if other is None:
            return False
        self.evicted += 1
        other.cut(queued=False)
        return True

    def await_head(self, connection: Connection) -> None:
        """From now on a head must come in time."""
        self._heads.pop(connection, None)
        self._heads[connection] = self.loop.time() + self._header_timeout

    def busy(self, connection: Connection) -> None:
        """It has a call: no time runs but the call's own."""
        self._heads.pop(connection, None)

    def await_end(self, connection: Connection) -> None:
        """It was closed by us: the client has a moment to take the rest and leave."""
        self._heads.pop(connection, None)
        self._ends.setdefault(connection, self.loop.time() + _LINGER)

    def forget(self, connection: Connection) -> None:
        """It is gone."""
        self._connections.discard(connection)
        self._heads.pop(connection, None)
        self._ends.pop(connection, None)
        self._patience.pop(connection, None)
        if not self._connections:
            self._empty.set()

    def date(self) -> bytes:
        """The field `date`, as a whole line; a tenth of a second old at most."""
        return self._date

    def _sweep(self) -> None:
        now = self.loop.time()
        self._date = f"date: {formatdate(self._clock.wall(), usegmt=True)}\r\n".encode("ascii")
        for connection in _due(self._heads, now):
            self._heads.pop(connection, None)
            connection.late()
        for connection in _due(self._ends, now):
            self._ends.pop(connection, None)
            self._finish(connection, now)
        self._timer = self.loop.call_later(_SWEEP, self._sweep)

    def _finish(self, connection: Connection, now: float) -> None:
        """Cut one that was ended by us; a slow reader has the time of any other to take the rest of its answer."""
        until = self._patience.setdefault(connection, now + self.plane.limits.write_idle)
        if not connection.unsent() or now > until:
            connection.cut(queued=False)
        else:
            self._ends[connection] = now + _LINGER


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    """The socket, listening at once: `ready` must not be another worker's that shares the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=backlog, reuse_port=True, dualstack_ipv6=both)


def _due(times: dict[Connection, float], now: float) -> list[Connection]:
    """Those whose time has come: they stand first."""
    due = []
    for connection, time in times.items():
        if time > now:
            break
        due.append(connection)
    return due
