"""The listeners of one worker: one process, one loop, each listener on a socket of its own."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from triplegate.app.building import Building
from triplegate.app.doors import Door, addresses, certificates, claim, doors
from triplegate.app.node import Crew
from triplegate.config.load import Loaded
from triplegate.edge.listeners import wait_listening

_DEPARTURE = 3.0
"""Seconds for clients that are told to leave (WebSocket 1001) to say goodbye, before nothing new is taken."""


async def listen(
    loaded: Loaded,
    source: Path,
    *,
    ready: Callable[[Building], None],
    opened: Callable[[Building], Awaitable[None]] | None = None,
    crew: Crew | None = None,
    ports: Mapping[str, int] | None = None,
    stale: str = "",
    environment: Mapping[str, str] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, then drain; the exit status.

    Raises PortTaken, ConnectionError, DatabaseUnavailable or OSError before anything serves. A second signal ends
    the drain at once; SIGHUP reads the configuration anew. `opened` is awaited before anything listens, `ready` called
    once everything does. `crew`: the workers of this node, of which the leader has the control listener; `ports`:
    those that were claimed for all of them. `stale` and `environment`: see Building.
    """
    share_core()
    settings = loaded.settings
    grpc = loaded.documents.speaks_grpc
    ports = claim(settings, grpc=grpc) if ports is None else ports
    shown = certificates(settings)
    told = addresses(settings, ports, grpc=grpc)
    building = Building(loaded, source, told, crew=crew, stale=stale, environment=environment)
    try:
        app = await building.open()
        async with app.lifespan():
            if opened is not None:
                await opened(building)
            building.run()
            await _serve(building, doors(building, app, ports, shown), ready)
    finally:
        await building.close()
    return 0


async def _serve(building: Building, opening: Sequence[Door], ready: Callable[[Building], None]) -> None:
    signals = Signals(building)
    loop = asyncio.get_running_loop()
    serving = {door: loop.create_task(door.server.serve()) for door in opening}
    stopped = loop.create_task(signals.stop.wait())
    try:
        for door in opening:
            if door.waits:
                await wait_listening(door.listener.host, door.port)
        _settle_memory()
        ready(building)
        await asyncio.wait({stopped, *serving.values()}, return_when=asyncio.FIRST_COMPLETED)
        await _drain(building, serving, signals)
    finally:
        stopped.cancel()
        signals.close()


def share_core() -> None:
    """On a single core the server's, log's and ledger's threads wait for their turn; those made from now on, too.

    Else each answer handed to the server takes the core away from whoever computes the next one: two switches and cold
    caches, 11 % of a bare call's CPU and 20 % of one with policies. With more cores a thread that wakes up finds one.
    """
    if hasattr(os, "SCHED_BATCH") and len(os.sched_getaffinity(0)) == 1 and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(OSError):  # a sandbox may forbid it, and then it only costs time
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _settle_memory() -> None:
    """What the start made stays out of later collections, and those come less often: 11 % of a request's CPU.

    Requests make few cycles, so that young objects die by their counts; the collector only has to catch the rest.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _drain(building: Building, serving: Mapping[Door, asyncio.Task[None]], signals: "Signals") -> None:
    """Readiness off, no new calls, those under way get the grace; the control listener ends last."""
    building.draining = True
    await building.live.depart(min(_DEPARTURE, building.settings.drain.grace))
    for door in serving:
        if door.clients:
            door.server.stop()
    calls: asyncio.Future[Any] = asyncio.gather(
        *(task for door, task in serving.items() if door.clients), return_exceptions=True
    )
    hard: asyncio.Future[Any] = asyncio.get_running_loop().create_task(signals.hard.wait())
    grace = building.settings.drain.grace
    await asyncio.wait({calls, hard}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
    hard.cancel()
    if not calls.done():
        building.live.stop_all()
        await asyncio.wait({calls}, timeout=2.0)
    for door in serving:
        if not door.clients:
            door.server.stop()
    done, late = await asyncio.wait(serving.values(), timeout=2.0)
    for task in late:
        task.cancel()
    await asyncio.gather(*done, *late, return_exceptions=True)


class Signals:
    """SIGTERM and SIGINT begin the drain, a second one ends it; SIGHUP reads the configuration anew."""

    def __init__(self, building: Building) -> None:
        self.stop = asyncio.Event()
        self.hard = asyncio.Event()
        self._building = building
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _end(self) -> None:
        if self.stop.is_set():
            self.hard.set()
        self.stop.set()

    def _reload(self) -> None:
        async def reload() -> None:
            await self._building.reloading.reload()

        self._building.supervisor.spawn(reload(), "reload")

    def close(self) -> None:
        """Give the signals back."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.remove_signal_handler(number)
