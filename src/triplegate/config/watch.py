"""Watch a configuration directory: each change is read off to the side and handed over whole, or refused whole."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from triplegate.config.faults import ConfigError, ConfigFault, Position
from triplegate.config.load import Loaded, load
from triplegate.core.policy import Registry

QUIET_MS = 150
"""How long files must be at rest before they are read."""
LONGEST_MS = 1_600
"""How long a burst of changes may put that off."""
_FIRST_LOOK_MS = 2_000
_MOST_FOLDERS = 1_000

if TYPE_CHECKING:
    from watchfiles.main import FileChange


def attempt(source: Path, registry: Registry, read: Callable[[Path, Registry], Loaded] = load) -> Loaded | ConfigError:
    """What a load comes to; a failure that nobody foresaw is a refusal too, never the end of the watching."""
    try:
        return read(source, registry)
    except ConfigError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the old configuration must go on being served and watched
        return ConfigError([ConfigFault(Position(str(source), 0, 0), f"cannot be read: {type(error).__name__}")])


async def changes(source: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """One item for each burst of changes of YAML files, and one soon after the watching began.

    That first one catches what changed between the caller's own reading and the start of the watching. Only visible
    folders are watched: the state directory often lies in the configuration's, and every record would wake us. Raises
    OSError when the directory cannot be watched.
    """
    root, first = directory_of(source), True
    watched = await asyncio.to_thread(folders, source)
    while not stop.is_set():
        async for changed in _bursts(root, watched, stop):
            if changed or first:
                first = False
                yield
            now = await asyncio.to_thread(folders, source) if changed else watched
            if now != watched:
                watched = now
                break
        else:
            return


def _bursts(root: Path, watched: frozenset[Path], stop: asyncio.Event) -> "AsyncIterator[set[FileChange]]":
    from watchfiles import awatch

    return awatch(
        *watched,
        watch_filter=lambda _, path: is_configuration(root, Path(path)) or is_folder(root, Path(path)),
        debounce=LONGEST_MS,
        step=QUIET_MS,
        stop_event=stop,
        rust_timeout=_FIRST_LOOK_MS,
        yield_on_timeout=True,
        recursive=False,
    )


def folders(source: Path) -> frozenset[Path]:
    """The folders whose changes count: the one of a single file, else the configuration's with its visible ones."""
    root = directory_of(source)
    found = {root}
    if not source.resolve().is_dir():
        return frozenset(found)
    for parent, names, _ in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        found.update(Path(parent, name) for name in names)
        if len(found) >= _MOST_FOLDERS:
            break
    return frozenset(found)


def directory_of(source: Path) -> Path:
    """The directory to watch: the configuration's own, or the one its file is in."""
    resolved = source.resolve()
    return resolved if resolved.is_dir() else resolved.parent


def is_configuration(root: Path, path: Path) -> bool:
    """Whether a change of `path` may change the configuration below `root`."""
    if path.name == "..data":  # Kubernetes swaps a mounted ConfigMap by this link
        return True
    parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
    return path.suffix in (".yaml", ".yml") and not any(part.startswith(".") for part in parts)


def is_folder(root: Path, path: Path) -> bool:
    """Whether `path` may be a visible folder that came or went below `root`."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
    return not path.suffix and not any(part.startswith(".") for part in parts)
