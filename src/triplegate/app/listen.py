"""The listeners of one worker: one process, one loop, data and control on sockets of their own."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from triplegate.app.building import Building
from triplegate.app.node import Crew
from triplegate.config.load import Loaded
from triplegate.config.settings import Listener, Settings
from triplegate.control.probes import status_app
from triplegate.edge.listeners import claim_port, make_server, reachable, wait_listening


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
    settings = loaded.settings
    ports = claim(settings) if ports is None else ports
    building = Building(loaded, source, _addresses(settings, ports), crew=crew, stale=stale, environment=environment)
    try:
        app = await building.open()
        async with app.lifespan():
            if opened is not None:
                await opened(building)
            building.run()
            await _serve(building, app, ports, ready)
    finally:
        await building.close()
    return 0


async def _serve(building: Building, app: Any, ports: Mapping[str, int], ready: Callable[[Building], None]) -> None:
    settings = building.settings
    signals = Signals(building)
    listeners = settings.listeners
    doors: list[tuple[Listener, int, Any, int]] = [
        (listeners.data, ports["data"], app, settings.limits.connections),
    ]
    if building.crew.leads:
        doors.append((listeners.control, ports["control"], app.control, 256))
    if building.crew.leads and "status" in ports and listeners.status is not None:
        doors.append((listeners.status, ports["status"], status_app(building.parts), 64))
    wait = settings.limits.header_timeout
    servers = [make_server(target, door.host, port, most, wait) for door, port, target, most in doors]
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(server.serve()) for server in servers]
    stopped = loop.create_task(signals.stop.wait())
    try:
        for door, port, _, _ in doors:
            await wait_listening(door.host, port)
        _settle_memory()
        ready(building)
        await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        await _drain(building, servers, tasks, signals)
    finally:
        stopped.cancel()
        signals.close()


def _settle_memory() -> None:
    """What the start made stays out of later collections, and those come less often: 11 % of a request's CPU.

    Requests make few cycles, so that young objects die by their counts; the collector only has to catch the rest.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _drain(building: Building, servers: list[Any], tasks: list[Any], signals: "Signals") -> None:
    """Readiness off, no new calls, those under way get the grace; the control listener ends last."""
    building.draining = True
    servers[0].stop()
    data = tasks[0]
    hard = asyncio.get_running_loop().create_task(signals.hard.wait())
    grace = building.settings.drain.grace
    await asyncio.wait({data, hard}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
    hard.cancel()
    if not data.done():
        building.live.stop_all()
        await asyncio.wait({data}, timeout=2.0)
    for server in servers[1:]:
        server.stop()
    done, late = await asyncio.wait(tasks, timeout=2.0)
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


def claim(settings: Settings) -> dict[str, int]:
    """Listener → port, once it is known that nobody else has it. Raises PortTaken."""
    listeners = settings.listeners
    ports = {"data": claim_port(listeners.data.host, listeners.data.port)}
    ports["control"] = claim_port(listeners.control.host, listeners.control.port)
    if listeners.status is not None:
        ports["status"] = claim_port(listeners.status.host, listeners.status.port)
    return ports


def _addresses(settings: Settings, ports: Mapping[str, int]) -> dict[str, str]:
    listeners = settings.listeners
    data = _url(listeners.data.host, ports["data"])
    found = {"api": data, "llm": f"{data}/v1", "mcp": f"{data}/mcp"}
    found["control"] = _url(listeners.control.host, ports["control"])
    if "status" in ports and listeners.status is not None:
        found["status"] = _url(listeners.status.host, ports["status"])
    return found


def _url(host: str, port: int) -> str:
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
