"""How a running gateway takes a new configuration: whole, or not at all with the last good one kept."""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from triplegate.config.faults import ConfigError, ConfigFault
from triplegate.config.keep import keep
from triplegate.config.load import Loaded, load
from triplegate.config.watch import attempt, watch
from triplegate.control.view import Reloaded
from triplegate.core.errors import Fault
from triplegate.core.policy import Registry
from triplegate.gateway import Gateway


class Reloading:
    """Watches, reads, compiles off the loop and swaps."""

    def __init__(self, gateway: Gateway, loaded: Loaded, source: Path, registry: Registry) -> None:
        self.loaded = loaded
        """What serves."""
        self._gateway, self._source, self._registry = gateway, source, registry
        self._stop = asyncio.Event()
        self._one = asyncio.Lock()

    async def watch(self) -> None:
        """Take every change of the files until `stop`."""
        await watch(self._source, self._registry, self.take, stop=self._stop, known=self.loaded.hash)

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    async def take(self, outcome: Loaded | ConfigError) -> None:
        """Swap to a good configuration; show why a bad one was refused."""
        async with self._one:
            await self._take(outcome)

    async def _take(self, outcome: Loaded | ConfigError) -> None:
        gateway = self._gateway
        if isinstance(outcome, ConfigError):
            gateway.keep(str(outcome))
            _say(f"configuration refused, the last good one goes on serving:\n{outcome}")
            return
        try:
            snapshot = await asyncio.to_thread(gateway.compile, outcome.documents)
        except Exception as error:  # noqa: BLE001 - whatever a document breaks, the old snapshot serves
            gateway.keep(f"{type(error).__name__}: {error}")
            _say(f"configuration refused, the last good one goes on serving: {error}")
            return
        gateway.swap(snapshot)
        self.loaded = outcome
        self.note()
        for fault in snapshot.faults:
            _say(fault)

    def note(self) -> None:
        """Keep the documents that serve on disk, for a cold start without the files."""
        try:
            keep(self.loaded, self.loaded.settings.state_path)
        except OSError as error:
            _say(f"the last good configuration cannot be kept: {error}")

    async def reload(self) -> Reloaded:
        """Read the files now (SIGHUP, admin API)."""
        gateway = self._gateway
        outcome = await asyncio.to_thread(attempt, self._source, self._registry)
        async with self._one:
            before = gateway.snapshot
            assert before is not None
            if isinstance(outcome, ConfigError) or outcome.hash != before.hash or gateway.last_error:
                await self._take(outcome)
            now = gateway.snapshot
            assert now is not None
        faults = tuple(map(_fault, outcome.faults)) if isinstance(outcome, ConfigError) else ()
        return Reloaded(now.hash != before.hash, now.hash, now.generation, faults)

    async def validate(self, documents: Mapping[str, str]) -> Sequence[Fault]:
        """What is wrong with documents given as path → text; nothing is applied."""
        return await asyncio.to_thread(_validate, documents, self._registry)


def _validate(documents: Mapping[str, str], registry: Registry) -> list[Fault]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for name, text in documents.items():
            path = (root / name).resolve()
            if not path.is_relative_to(root) or path.suffix not in (".yaml", ".yml"):
                return [Fault(name, "must be the relative path of a YAML file")]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        try:
            load(root, registry, environment={})
        except ConfigError as error:
            return [_fault(fault) for fault in error.faults]
        return []


def _fault(fault: ConfigFault) -> Fault:
    return Fault(str(fault.position), fault.message)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
