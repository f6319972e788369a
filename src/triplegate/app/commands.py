"""Commands and streams of servers of the configuration, as this worker keeps them: here, or at the leader."""

import asyncio
from pathlib import Path

from triplegate.app.stdio_door import SOCKET, StdioDoor
from triplegate.core.ports import Kit
from triplegate.gates.mcp.commands import key_of
from triplegate.gates.mcp.transports import sse_key
from triplegate.gateway import Snapshot
from triplegate.upstreams.legacy_sse import SseServer
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_reaper import Reaper


class Commands:
    """Opened with the worker, closed with it."""

    def __init__(self, kit: Kit, state: Path, *, leads: bool, alone: bool) -> None:
        """`state`: the state directory; `leads`: they run here; `alone`: there are no other workers."""
        self._kit = kit
        self._door = StdioDoor(kit, state) if leads and not alone else None
        kit.stdio = "" if leads else str(state / SOCKET)

    async def open(self) -> None:
        """Let the other workers use them. Raises OSError."""
        if self._door is not None:
            await self._door.open()

    def keep(self, snapshot: Snapshot) -> None:
        """Those that no document names any more end as soon as nobody waits for them."""
        named = set[str]()
        for name, document in snapshot.documents.servers.items():
            named.update((key_of(name, document), sse_key(name, document)))
        for kind in (StdioServer, SseServer):
            for key, server in self._kit.states.named(kind):
                server.retire(key not in named)

    async def close(self) -> None:
        """End all that runs."""
        if self._door is not None:
            self._door.close()
        servers = [*self._kit.states.every(StdioServer), *self._kit.states.every(SseServer)]
        if servers:
            await asyncio.gather(*(server.close() for server in servers))
        for reaper in self._kit.states.every(Reaper):
            reaper.close()
