"""`triplegate serve`: run the gateway in the foreground."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from triplegate.cli.failures import told
from triplegate.cli.place import RUNNING, Place, find_place, note_running


def serve(
    *,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
    workers: Annotated[int | None, Parameter(help="Processes that share the data port (needs shared state).")] = None,
) -> int:
    """Serve the configuration until SIGTERM or Ctrl-C; calls under way may end (30 s), a second signal ends at once.

    SIGHUP, and every change of the files, reads the configuration anew: a bad one is refused, the last good one
    goes on serving.
    """
    place = find_place(config)
    with told():
        from triplegate.config.load import load
        from triplegate.policies import registry

        environment = place.environment
        if workers is not None:
            environment["TRIPLEGATE_WORKERS"] = str(workers)
        loaded = load(place.config, registry(), environment=environment)
        for warning in loaded.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if loaded.settings.workers > 1:
            from triplegate.cli.workers import supervise

            return supervise(place.config, loaded.settings)
        return run_worker(place, loaded)


def run_worker(place: Place, loaded: object) -> int:
    """One worker in this process."""
    from triplegate.app import Building, listen
    from triplegate.config.load import Loaded

    assert isinstance(loaded, Loaded)

    async def opened(building: Building) -> None:
        parts = building.parts
        if await parts.tokens.offer_bootstrap(building.settings.state_path / "bootstrap.token"):
            print(f"first sign-in: the token in {parts.bootstrap} is good once, for 15 minutes", flush=True)

    def ready(building: Building) -> None:
        note_running(building.settings.state_path, dict(building.addresses))
        for name, url in building.addresses.items():
            print(f"{name:8} {url}")
        for fault in building.gateway.snapshot.faults if building.gateway.snapshot else ():
            print(f"warning: {fault}", file=sys.stderr)
        print("ready", flush=True)

    return run_loop(place, listen(loaded, place.config, opened=opened, ready=ready))


def run_loop(place: Place, work: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop; what commands find the gateway by goes when it ends."""
    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    finally:
        (place.state / RUNNING).unlink(missing_ok=True)
