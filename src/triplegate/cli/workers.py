"""`serve --workers N`: a small process that claims the ports, keeps N workers alive and passes signals on."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from triplegate.cli.failures import Failed
from triplegate.cli.place import Place, forget_running, note_running

if TYPE_CHECKING:
    from triplegate.app import Building
    from triplegate.app.node import Crew
    from triplegate.config.load import Loaded
    from triplegate.config.settings import Settings

BERTH = "TRIPLEGATE_BERTH"
"""Hidden variable: what the supervisor tells a worker."""
STARTED = 60.0
"""Seconds until a worker must listen."""
STEADY = 5.0
"""Seconds after which a worker counts as well started: when it dies later, it is started again at once."""
LONGEST_PAUSE = 10.0
ORPHANED = 5.0
"""Seconds that calls under way have when the supervisor is gone: ports and lock are needed by its successor."""
OVER = 10.0
"""Seconds beyond the drain's grace until what still runs is killed."""


class Berth(msgspec.Struct, frozen=True):
    """A worker's place: its number, and the ports of all."""

    number: int
    line: int
    """A socket: the settings come through it, and its end means that the supervisor is gone."""
    ports: dict[str, int]
    again: bool = False
    """Started in the place of one that died."""


class Aboard(msgspec.Struct):
    """What a worker says once it listens."""

    addresses: dict[str, str]
    faults: list[str]


# the supervisor ---------------------------------------------------------------------------------------------------
def supervise(config: Path, settings: "Settings", *, grpc: bool) -> int:
    """Run `settings.workers` workers until SIGTERM or SIGINT; the exit status: 1 when one did not end well.

    `grpc`: there is a gRPC route.

    Raises PortTaken when somebody else listens.
    """
    from triplegate.app.doors import claim
    from triplegate.edge.listeners import hold_port

    ports = claim(settings, grpc=grpc)
    environment = {**os.environ, "TRIPLEGATE_WORKERS": str(settings.workers)}
    command = [sys.executable, "-m", "triplegate", "serve", "--config", str(config)]
    with ExitStack() as kept:
        for name, listener in settings.listeners.gates.items():
            kept.enter_context(hold_port(listener.host, ports[name]))  # also between two workers
        try:
            return asyncio.run(Fleet(command, environment, ports, settings).run())
        finally:
            forget_running(settings.state_path)


class Fleet:
    """The workers of one supervisor."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], ports: Mapping[str, int], settings: "Settings"
    ) -> None:
        self.command, self.environment, self.ports = command, environment, dict(ports)
        self.stopping = asyncio.Event()
        self.settings = msgspec.json.encode(packed(settings)) + b"\n"
        self._state, self._grace = settings.state_path, settings.drain.grace
        self._workers = [Worker(self, number) for number in range(settings.workers)]

    async def run(self) -> int:
        """Start, keep and stop them."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._tell, signal.SIGHUP)
        try:
            if not await self._start():
                return 0 if self.stopping.is_set() else 1
            keeping = asyncio.gather(*(worker.keep() for worker in self._workers))
            await self.stopping.wait()
            await self._stop()
            await keeping
            return int(any(worker.status not in (0, -signal.SIGTERM) for worker in self._workers))
        finally:
            await self._stop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def _start(self) -> bool:
        """The first one alone: what is wrong with the start is told once, and it makes the tables."""
        first, *others = self._workers
        aboard = await first.start()
        if aboard is None or not all(await asyncio.gather(*(worker.start() for worker in others))):
            return False
        note_running(self._state, aboard.addresses)
        for name, url in aboard.addresses.items():
            print(f"{name:8} {url}")
        for fault in aboard.faults:
            print(f"warning: {fault}", file=sys.stderr)
        print("ready", flush=True)
        return True

    def _end(self) -> None:
        self.stopping.set()
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            worker.send(number)

    async def _stop(self) -> None:
        """None stays behind: those that the signal did not end within the grace are killed."""
        if not self.stopping.is_set():
            self._end()
        try:
            async with asyncio.timeout(self._grace + OVER):
                await asyncio.gather(*(worker.ended() for worker in self._workers))
        except TimeoutError:
            self._tell(signal.SIGKILL)
            await asyncio.gather(*(worker.ended() for worker in self._workers))


class Worker:
    """One of the processes, and its successors."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        self._fleet, self._number = fleet, number
        self._process: asyncio.subprocess.Process | None = None
        self._line: asyncio.StreamWriter | None = None
        self._since = 0.0
        self.status = 0

    async def start(self, *, again: bool = False) -> Aboard | None:
        """Start it and wait until it listens; None when it ended instead."""
        ours, theirs = socket.socketpair()
        with theirs:
            berth = Berth(self._number, theirs.fileno(), self._fleet.ports, again)
            self._process = await asyncio.create_subprocess_exec(
                *self._fleet.command,
                env={**self._fleet.environment, BERTH: msgspec.json.encode(berth).decode()},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C comes to the supervisor alone, which passes it on
            )
        self._since = time.monotonic()
        if self._fleet.stopping.is_set():
            self.send(signal.SIGTERM)
        reader, self._line = await asyncio.open_connection(sock=ours)
        self._line.write(self._fleet.settings)
        try:
            async with asyncio.timeout(STARTED):
                said = await reader.readline()
        except ConnectionError:  # it ended before it had read its settings
            return None
        except TimeoutError:
            print(f"worker {self._number} did not start within {STARTED:g} s", file=sys.stderr, flush=True)
            self.send(signal.SIGKILL)
            return None
        return msgspec.json.decode(said, type=Aboard) if said else None

    async def keep(self) -> None:
        """Start it anew whenever it ends, until all are to stop; at once, but ever later when it dies young."""
        young = 0
        while True:
            status = await self.ended()
            if self._fleet.stopping.is_set():
                self.status = status
                return
            young = 0 if time.monotonic() - self._since > STEADY else young + 1
            pause = min(0.1 * 2**young, LONGEST_PAUSE) if young else 0.0
            print(f"worker {self._number} ended ({_how(status)}): another one starts", file=sys.stderr, flush=True)
            try:
                async with asyncio.timeout(pause):
                    await self._fleet.stopping.wait()
            except TimeoutError:
                await self._start_again()
            else:
                return

    async def _start_again(self) -> None:
        try:
            await self.start(again=True)
        except OSError as error:  # no memory, no process: it is tried again, later
            print(f"worker {self._number} cannot start: {error}", file=sys.stderr, flush=True)
            self._since = time.monotonic()

    def send(self, number: int) -> None:
        """Pass a signal on, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait until it has; its status."""
        if self._process is None:
            return 0
        status = await self._process.wait()
        if self._line is not None:
            self._line.close()
            self._line = None
        return status


def packed(settings: "Settings") -> dict[str, Any]:
    """The settings with their secrets, for a worker: one that starts later must not read other ones than the rest."""
    plain = settings.model_dump(mode="json") | {"directory": settings.directory}
    holders = ((plain, "pepper", settings.pepper), (plain["store"], "url", settings.store.url))
    for holder, name, secret in (*holders, (plain["state"], "redis", settings.state.redis)):
        holder[name] = secret.reveal() if secret else None
    return plain


def unpacked(line: bytes) -> "Settings":
    """The settings out of what the supervisor wrote."""
    from triplegate.config.settings import Settings

    return Settings.model_validate(msgspec.json.decode(line))


def _first_line(line: int) -> bytes:
    content = b""
    while not content.endswith(b"\n") and (piece := os.read(line, 65_536)):
        content += piece
    return content


def _how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


# the worker -------------------------------------------------------------------------------------------------------
def join(place: Place, environment: dict[str, str]) -> int:
    """Be the worker that the supervisor asks for in `environment`. Raises what a start raises."""
    from triplegate.app import listen
    from triplegate.cli.serve import offer_bootstrap, run_loop

    try:
        berth = msgspec.json.decode(environment.pop(BERTH), type=Berth)
        os.environ.pop(BERTH, None)
        os.set_inheritable(berth.line, False)  # a server that we start must not keep it open
        settings = unpacked(_first_line(berth.line))
    except (msgspec.MsgspecError, OSError):
        raise Failed(f"{BERTH} is for workers of a running `serve --workers N` only") from None
    loaded, stale = _configuration(place, environment, settings, berth)
    crew = _crew(berth, settings.workers)

    async def opened(building: "Building") -> None:
        if crew.leads:
            await offer_bootstrap(building)

    def ready(building: "Building") -> None:
        snapshot = building.gateway.snapshot
        aboard = Aboard(dict(building.addresses), list(snapshot.faults) if snapshot else [])
        os.write(berth.line, msgspec.json.encode(aboard) + b"\n")

    async def work() -> int:
        asyncio.get_running_loop().add_reader(berth.line, _orphaned, berth.line)
        return await listen(
            loaded,
            place.config,
            opened=opened,
            ready=ready,
            crew=crew,
            ports=berth.ports,
            stale=stale,
            environment=environment,
        )

    return run_loop(settings.state_path, work())


def _orphaned(line: int) -> None:
    """The supervisor writes no more: the line becomes readable when it is gone. Drain soon: its successor waits."""
    loop = asyncio.get_running_loop()
    loop.remove_reader(line)
    os.kill(os.getpid(), signal.SIGTERM)
    loop.call_later(ORPHANED, os.kill, os.getpid(), signal.SIGTERM)


def _configuration(
    place: Place, environment: Mapping[str, str], settings: "Settings", berth: Berth
) -> "tuple[Loaded, str]":
    """A worker that replaces another one serves what the others do, even when the files were broken meanwhile."""
    from triplegate.cli.serve import read_configuration
    from triplegate.config.faults import ConfigError
    from triplegate.config.keep import last_good
    from triplegate.policies import registry

    try:
        loaded, stale = read_configuration(place, environment)
    except (ConfigError, Failed):
        kept = last_good(settings, registry()) if berth.again else None
        if kept is None:
            raise
        return kept, f"{place.config} is broken"
    return msgspec.structs.replace(loaded, settings=settings), stale


def _crew(berth: Berth, workers: int) -> "Crew":
    from triplegate.app.workers import Follower, Leader

    return Follower(berth.number) if berth.number else Leader(workers)
