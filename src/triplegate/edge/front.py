"""The front of a listener that asks for TLS, PROXY or HTTP/2: it opens connections and hands their bytes on."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from triplegate.edge.front_facts import LOOPBACK, Table
from triplegate.edge.front_link import LINGER, Link
from triplegate.edge.front_terms import Terms
from triplegate.edge.listeners import Serving, hold_port, wait_listening

SWEEP = 1.0
"""Seconds between two looks at connections of HTTP/2."""
LOOK = 2.0
"""Seconds between two looks at the files of certificates."""

MakeServer = Callable[[int, bool, Table], Serving]
"""Makes a server behind: its port on LOOPBACK, whether it is for HTTP/2, and what it may know of connections."""


class Front:
    """A Serving: what is behind it listens on loopback only, and answers connections of ours alone."""

    def __init__(self, host: str, port: int, terms: Terms, make: MakeServer) -> None:
        self._host, self._port, self._make = host, port, make
        self.terms = terms
        self._stopped = asyncio.Event()
        self._beat: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Take nothing new; what is under way may end."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve until it was stopped and what was under way has ended. Raises OSError."""
        loop, terms = asyncio.get_running_loop(), self.terms
        with ExitStack() as held:
            servers: list[Serving] = []
            for http2 in (False, True) if terms.http2 else (False,):
                place = held.enter_context(hold_port(LOOPBACK, 0))  # no other worker gets it meanwhile
                table: Table = {}
                terms.behind[http2] = (place.getsockname()[1], table)
                servers.append(self._make(terms.behind[http2][0], http2, table))
            tasks: list[asyncio.Task[Any]] = [loop.create_task(server.serve()) for server in servers]
            tasks.append(loop.create_task(self._stopped.wait()))
            try:
                await self._take_connections(tasks)
                self._close(servers)
                await asyncio.wait(tasks[:-1])
                await self._flush()
            finally:
                self._cut(tasks)

    async def _take_connections(self, until: list[asyncio.Task[Any]]) -> None:
        loop, terms = asyncio.get_running_loop(), self.terms
        for port, _ in terms.behind.values():
            await wait_listening(LOOPBACK, port)
        backlog = max(1024, min(terms.connections, 8192))
        door = await loop.create_server(lambda: Link(terms), sock=hold_port(self._host, self._port), backlog=backlog)
        self._beat = loop.call_later(SWEEP, self._sweep, loop)
        unwatch = terms.supervisor.spawn(self._watch_certificates(), "certificates")
        try:
            await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unwatch()
            door.close()

    def _close(self, servers: list[Serving]) -> None:
        self.terms.closing = True
        for server in servers:
            server.stop()
        for link in list(self.terms.links):
            link.stop()

    async def _flush(self) -> None:
        """The servers behind have ended: clients may take what is on its way to them."""
        if self.terms.links:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self.terms.empty.wait()

    def _cut(self, tasks: list[asyncio.Task[Any]]) -> None:
        if self._beat is not None:
            self._beat.cancel()
        for link in list(self.terms.links):
            link.stop(hard=True)
        for task in tasks:
            task.cancel()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        for link in list(self.terms.watched):
            link.sweep(SWEEP)
        self._beat = loop.call_later(SWEEP, self._sweep, loop)

    async def _watch_certificates(self) -> None:
        """Read certificates anew when their files change, for ever."""
        certificates = self.terms.certificates
        while certificates is not None:
            await asyncio.sleep(LOOK)
            await asyncio.to_thread(certificates.refresh)
