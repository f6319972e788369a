"""How a running gateway takes a new configuration: whole, or not at all with the last good one kept."""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from triplegate.app.loading import load_models
from triplegate.config.faults import ConfigError, ConfigFault
from triplegate.config.keep import keep
from triplegate.config.load import Loaded, load
from triplegate.config.merge import find_files
from triplegate.config.settings import SETTING_NAMES, Settings, restart_needed
from triplegate.config.watch import attempt, changes
from triplegate.control.view import Degraded, Reloaded
from triplegate.core.errors import Fault
from triplegate.core.policy import Registry
from triplegate.gateway import Gateway

LOOK_AGAIN = 2.0
"""Seconds between two looks for a directory that is away."""


def unreachable(source: Path) -> str:
    """Why nothing of a configuration can be read (a mount is missing, say); empty when there is something to read."""
    try:
        if next(find_files(source), None) is not None:
            return ""
        os.scandir(source).close()
    except OSError as error:
        return error.strerror or str(error)
    return "there is no YAML in it"


class Reloading:
    """Watches, reads, compiles off the loop and swaps."""

    def __init__(
        self,
        gateway: Gateway,
        loaded: Loaded,
        source: Path,
        registry: Registry,
        *,
        stale: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment`: the variables that `loaded` was read with; the process's own when None."""
        self.loaded = loaded
        """What serves."""
        self.stale = stale
        """Why what serves was not read from the files since the start; empty once it was."""
        self.pending: tuple[str, ...] = ()
        """Settings that were edited and wait for the next start."""
        self.also: list[Callable[[], object]] = []
        """What else is read anew whenever the files are (certificates), each in a thread."""
        self._told: list[Callable[[Loaded], object]] = []
        self._gateway, self._source, self._registry = gateway, source, registry
        self._started_with = loaded.settings
        self._read = partial(load, environment=environment)
        self._stop = asyncio.Event()
        self._one = asyncio.Lock()

    async def watch(self) -> None:
        """Take every change of the files until `stop`; a directory that is away is waited for."""
        trouble = ""
        while not self._stop.is_set():
            try:
                await self._watch()
            except OSError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    _say(f"{self._source} cannot be watched, SIGHUP reads it: {error}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_AGAIN)

    async def _watch(self) -> None:
        """Until `stop`, or until the directory goes away: what comes in its place would not be noticed."""
        if unreachable(self._source):
            return
        async for _ in changes(self._source, self._stop):
            await self.take(await self._attempt())
            if unreachable(self._source):
                return

    async def _attempt(self) -> Loaded | ConfigError:
        for renew in self.also:
            await asyncio.to_thread(renew)
        return await asyncio.to_thread(attempt, self._source, self._registry, self._read)

    def tell(self, told: Callable[[Loaded], object]) -> None:
        """Call `told` with what serves, now and after each change; it may block."""
        self._told.append(told)
        told(self.loaded)

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    async def take(self, outcome: Loaded | ConfigError) -> None:
        """Swap to a good configuration; show why a bad one was refused. The one that serves changes nothing."""
        async with self._one:
            await self._take(outcome)

    async def _take(self, outcome: Loaded | ConfigError) -> None:
        await self._swap(outcome)
        if self.loaded is outcome:
            for told in self._told:
                await asyncio.to_thread(told, outcome)

    async def _swap(self, outcome: Loaded | ConfigError) -> None:
        gateway = self._gateway
        if isinstance(outcome, ConfigError):
            gateway.keep(str(outcome))
            _say(f"configuration refused, the last good one goes on serving:\n{outcome}")
            return
        self._note_settings(outcome.settings)
        if gateway.snapshot is not None and outcome.hash == gateway.snapshot.hash and not gateway.last_error:
            self._done(outcome)
            return
        try:
            snapshot = await asyncio.to_thread(gateway.compile, outcome.documents)
        except Exception as error:  # noqa: BLE001 - whatever a document breaks, the old snapshot serves
            gateway.keep(f"{type(error).__name__}: {error}")
            _say(f"configuration refused, the last good one goes on serving: {error}")
            return
        await load_models(gateway.kit)
        gateway.swap(snapshot)
        self._done(outcome)
        self.note()
        for fault in snapshot.faults:
            _say(fault)

    def _done(self, outcome: Loaded) -> None:
        self.loaded = outcome
        if self.stale:
            _say(f"{self._source} can be read again: what stands there serves")
            self.stale = ""

    def _note_settings(self, settings: Settings) -> None:
        changed = tuple(name for name in restart_needed(self._started_with, settings) if name in SETTING_NAMES)
        if changed and changed != self.pending:
            _say(f"settings changed: {', '.join(changed)}; in force after the next start")
        self.pending = changed

    def degraded(self) -> Sequence[Degraded]:
        """What of the written configuration is not in force, and why."""
        found = []
        if self.stale:
            found.append(Degraded("configuration", f"{self.stale}; the documents kept last are served"))
        if self.pending:
            found.append(Degraded("settings", f"{', '.join(self.pending)} changed; in force after the next start"))
        return found

    def note(self) -> None:
        """Keep the documents that serve on disk, for a cold start without the files."""
        try:
            keep(self.loaded, self.loaded.settings.state_path)
        except OSError as error:
            _say(f"the last good configuration cannot be kept: {error}")

    async def reload(self) -> Reloaded:
        """Read the files now (SIGHUP, admin API)."""
        gateway = self._gateway
        outcome = await self._attempt()
        async with self._one:
            before = gateway.snapshot
            assert before is not None
            await self._take(outcome)
            now = gateway.snapshot
            assert now is not None
        faults = tuple(map(_fault, outcome.faults)) if isinstance(outcome, ConfigError) else ()
        return Reloaded(now.hash != before.hash, now.hash, now.generation, faults)

    async def validate(self, documents: Mapping[str, str]) -> Sequence[Fault]:
        """What is wrong with documents given as path → text; nothing is applied."""
        return await asyncio.to_thread(_validate, documents, self._registry, self._read)


def _validate(documents: Mapping[str, str], registry: Registry, read: "partial[Loaded]") -> list[Fault]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for name, text in documents.items():
            try:
                path = (root / name).resolve()
                if not path.is_relative_to(root) or path.suffix not in (".yaml", ".yml"):
                    return [Fault(name, "must be the relative path of a YAML file")]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            except (OSError, ValueError):
                return [Fault(name, "cannot stand beside the others as a file of that name")]
        try:
            read(root, registry)
        except ConfigError as error:
            return [_fault(fault) for fault in error.faults]
        return []


def _fault(fault: ConfigFault) -> Fault:
    return Fault(str(fault.position), fault.message)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
