"""The gRPC listener of one worker: it opens with the first gRPC route, at the start or at a later reload."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from triplegate.app.building import Building
from triplegate.config.listeners import GrpcListener
from triplegate.edge.grpc import GrpcServer, open_server
from triplegate.edge.grpc_tls import server_credentials
from triplegate.edge.listeners import PortTaken, claim_port
from triplegate.gateway import Snapshot

_CUT = 2.0  # seconds beyond the drain's grace until what still runs is cancelled


class GrpcDoor:
    """A server of the worker's loop like the others (`Serving`), but for when it begins to listen."""

    def __init__(self, building: Building, listener: GrpcListener, port: int, url: str) -> None:
        self._building, self._listener, self._port, self._url = building, listener, port, url
        self._wanted, self._stopped = asyncio.Event(), asyncio.Event()
        building.gateway.on_swap.append(self._look)
        snapshot = building.gateway.snapshot
        if snapshot is not None:
            self._look(snapshot)

    @property
    def wanted(self) -> bool:
        """Whether there is a gRPC route: then it listens, or says why it cannot."""
        return self._wanted.is_set()

    def _look(self, snapshot: Snapshot) -> None:
        if snapshot.documents.speaks_grpc:
            self._wanted.set()

    async def serve(self) -> None:
        """Listen once that is wanted, until it was stopped and what was under way has ended.

        Raises OSError when it was wanted from the start.
        """
        late = not self.wanted
        waits = [asyncio.ensure_future(one.wait()) for one in (self._wanted, self._stopped)]  # noqa: TID251 - once
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self._stopped.is_set():
            server = await self._open(late=late)
            await self._stopped.wait()
            if server is not None:
                await server.stop(self._building.settings.drain.grace + _CUT)

    async def _open(self, *, late: bool) -> GrpcServer | None:
        building, host = self._building, self._listener.host
        shared = building.settings.workers > 1
        try:
            if late and not shared:
                claim_port(host, self._port)
            plane, most = building.grpc_plane(), building.settings.limits.connections
            credentials = self._credentials(plane.grpc)
            server = await open_server(plane, host, self._port, most, shared=shared, credentials=credentials)
        except (OSError, PortTaken) as error:
            if not late:
                raise
            building.grpc_failure = str(error)
            print(f"gRPC routes are not served: {error}", file=sys.stderr, flush=True)
            return None
        if late:
            print(f"grpc     {self._url}", flush=True)
        return server

    def _credentials(self, grpc: Any) -> Any:
        """Of TLS, with files relative to the configuration; None without it. Raises OSError for a missing one."""
        tls, base = self._listener.tls, Path(self._building.settings.directory)
        if tls is None:
            return None
        files = (tls.certificate, tls.key.removeprefix("file:"), tls.client_ca)
        return server_credentials(grpc, *[None if one is None else base / one for one in files])

    def stop(self) -> None:
        """Take nothing new; what is under way may end."""
        self._stopped.set()
