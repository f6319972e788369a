"""`triplegate serve`: run the gateway in the foreground."""

import asyncio
import gc
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from triplegate.cli.failures import Failed, told
from triplegate.cli.paint import paint
from triplegate.cli.place import Place, base_of, find_place, forget_running, note_running

if TYPE_CHECKING:
    from triplegate.app import Building
    from triplegate.config.load import Loaded


def serve(
    *,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
    workers: Annotated[int | None, Parameter(help="Processes that share the data port (needs shared state).")] = None,
) -> int:
    """Serve the configuration until SIGTERM or Ctrl-C; calls under way may end (30 s), a second signal ends at once.

    SIGHUP, and every change of the files, reads the configuration anew: a bad one is refused, the last good one
    goes on serving. Broken files do not start (exit 1); where the directory is away, what was kept last serves.
    """
    gc.set_threshold(50_000, 20, 100)  # a start makes much and drops little: looking for cycles was a tenth of its CPU
    place = find_place(config, missing=True)
    with told():
        environment = place.environment
        if "TRIPLEGATE_BERTH" in environment:
            from triplegate.cli.workers import join

            return join(place, environment)
        if workers is not None:
            environment["TRIPLEGATE_WORKERS"] = str(workers)
        loaded, stale = read_configuration(place, environment)
        for warning in loaded.warnings:
            warn(warning)
        if stale:
            warn(f"{stale}. The documents kept last ({loaded.hash[:12]}) are served until it can be read.")
        if loaded.settings.workers > 1:
            from triplegate.cli.workers import supervise

            return supervise(place.config, loaded.settings, grpc=loaded.documents.speaks_grpc)
        return run_worker(place, loaded, stale=stale, environment=environment)


def read_configuration(place: Place, environment: Mapping[str, str]) -> tuple["Loaded", str]:
    """What to serve; and why that is not what stands in the files, where nothing of them can be read.

    The documents kept last stand in for a directory that is away (a mount, say), never for one that is wrong.
    Raises ConfigError; Failed when nothing was kept.
    """
    from triplegate.app.reloading import unreachable
    from triplegate.config.keep import last_good
    from triplegate.config.load import load
    from triplegate.config.settings import load_settings
    from triplegate.policies import registry

    away = unreachable(place.config)
    if not away:
        return load(place.config, registry(), environment=environment), ""
    settings = load_settings(place.config, environment)
    settings = settings.model_copy(update={"directory": str(base_of(place.config))})
    kept = last_good(settings, registry())
    if kept is None:
        raise Failed(f"{place.config}: {away}")
    return kept, f"{place.config}: {away}"


def run_worker(place: Place, loaded: "Loaded", *, stale: str = "", environment: Mapping[str, str] | None = None) -> int:
    """One worker in this process. `stale`, `environment`: why `loaded` is not from the files, and its variables."""
    from triplegate.app import listen

    def ready(building: "Building") -> None:
        note_running(building.settings.state_path, dict(building.addresses))
        for name, url in building.addresses.items():
            print(f"{name:8} {url}")
        warn_of_faults(building)
        print(paint("ready", "green", sys.stdout), flush=True)

    return run_loop(
        loaded.settings.state_path,
        listen(loaded, place.config, opened=offer_bootstrap, ready=ready, stale=stale, environment=environment),
    )


async def offer_bootstrap(building: "Building") -> None:
    """Write the token of the first sign-in, unless somebody has signed in already."""
    parts = building.parts
    if await parts.tokens.offer_bootstrap(building.settings.state_path / "bootstrap.token"):
        print(f"first sign-in: the token in {parts.bootstrap} is good once, for 15 minutes", flush=True)


def warn(text: object) -> None:
    """A line on stderr that cannot be taken for an error."""
    print(f"{paint('warning', 'yellow', sys.stderr)}: {text}", file=sys.stderr, flush=True)


def warn_of_faults(building: "Building") -> None:
    """What serves only in part: a secret, a key set, a certificate is missing."""
    snapshot = building.gateway.snapshot
    for fault in snapshot.faults if snapshot else ():
        warn(fault)


def run_loop(state: Path, work: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop; what commands find the gateway by goes when it ends."""
    from triplegate.upstreams.loop import Loop

    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(work)
    finally:
        forget_running(state)
