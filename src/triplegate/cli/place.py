"""Which gateway a command is about: its configuration, its state directory, and how to call it while it runs."""

import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from triplegate.cli.failures import Failed

DEMO_STATE = Path(".triplegate")
RUNNING = "running.json"


class Place(msgspec.Struct, frozen=True):
    """A configuration and where its gateway keeps its own files."""

    config: Path
    state: Path
    demo: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """The variables a load of this configuration sees: the demo keeps its state beside its configuration."""
        variables = dict(os.environ)
        if self.demo:
            variables.setdefault("TRIPLEGATE_STATE_DIR", str(self.state.absolute()))
        return variables


def find_place(config: Path | None, *, missing: bool = False) -> Place:
    """`--config`, else ./triplegate.yaml's directory, else the demo's. Raises Failed when there is none.

    `missing`: a `--config` that is not there is a place all the same.
    """
    if config is not None:
        there = os.path.exists(config)  # noqa: PTH110 - pathlib's raises where a folder above may not be entered
        if not there and not missing:
            raise Failed(f"{config}: there is no such file or directory")
        if config.resolve() == (DEMO_STATE / "demo").resolve():
            return Place(config, DEMO_STATE, demo=True)
        return Place(config, _state_of(config))
    if Path("triplegate.yaml").exists():
        return Place(Path(), _state_of(Path()))
    if (DEMO_STATE / "demo").exists():
        return Place(DEMO_STATE / "demo", DEMO_STATE, demo=True)
    raise Failed("no configuration here: say --config DIR, or begin with `triplegate init DIR` or `triplegate demo`", 2)


def base_of(config: Path) -> Path:
    """The directory that relative paths of a configuration start from, whether or not it is there."""
    return config.parent if config.is_file() or config.suffix in (".yaml", ".yml") else config


def _state_of(config: Path) -> Path:
    """Where the gateway of this configuration keeps its files: `state_dir`, without minding the rest."""
    base = base_of(config)
    return base / (os.environ.get("TRIPLEGATE_STATE_DIR") or _written_state(config, base) or DEMO_STATE)


def _written_state(config: Path, base: Path) -> str | None:
    path = config if base != config else config / "triplegate.yaml"
    try:
        if "state_dir" not in path.read_text("utf-8-sig"):
            return None  # seldom written: nobody waits for the YAML reader
    except (OSError, UnicodeDecodeError):
        return None
    from triplegate.config.faults import Findings
    from triplegate.config.merge import read_file

    for root in read_file(path, path.name, Findings()):
        node = root.child("state_dir")
        if node is not None and isinstance(node.value, str):
            return node.value
    return None


def note_running(state: Path, addresses: dict[str, str]) -> Path:
    """Write where the gateway listens, for commands; removed when it ends."""
    path = state / RUNNING
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"pid": os.getpid(), "addresses": addresses}) + "\n")
    fresh.replace(path)
    return path


def forget_running(state: Path) -> None:
    """This process listens no more; the note of another one stays."""
    path = state / RUNNING
    try:
        if json.loads(path.read_text())["pid"] == os.getpid():
            path.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return


def control_url(place: Place) -> str | None:
    """The control plane of the gateway that runs on this configuration; None when none does."""
    told = os.environ.get("TRIPLEGATE_ADMIN_URL")
    return told.rstrip("/") if told else noted_url(place)


def noted_url(place: Place, gate: str = "control") -> str | None:
    """Where the gateway says that it serves this, if somebody does listen there: a note may outlive its writer."""
    try:
        noted = json.loads((place.state / RUNNING).read_text())
        pid, url = int(noted["pid"]), str(noted["addresses"][gate])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if _lives(pid) and _listens(url) else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # another user's
    except OSError:
        return False
    return True


def _listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 80), 1.0).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True  # too busy to answer: still there
    return True


def admin_token(place: Place) -> str | None:
    """TRIPLEGATE_ADMIN_TOKEN, else the one in demo.env."""
    told = os.environ.get("TRIPLEGATE_ADMIN_TOKEN")
    return told or read_env(place.state / "demo.env").get("TRIPLEGATE_ADMIN_TOKEN")


def read_env(path: Path) -> dict[str, str]:
    """NAME=value lines of a file; empty when there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
