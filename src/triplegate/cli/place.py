"""Which gateway a command is about: its configuration, its state directory, and how to call it while it runs."""

import json
import os
from pathlib import Path

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


def find_place(config: Path | None) -> Place:
    """`--config`, else ./triplegate.yaml's directory, else the demo's. Raises Failed when there is none."""
    if config is not None:
        if not config.exists():
            raise Failed(f"{config}: there is no such file or directory")
        if config.resolve() == (DEMO_STATE / "demo").resolve():
            return Place(config, DEMO_STATE, demo=True)
        directory = config if config.is_dir() else config.parent
        return Place(config, directory / DEMO_STATE)
    if Path("triplegate.yaml").exists():
        return Place(Path(), DEMO_STATE)
    if (DEMO_STATE / "demo").exists():
        return Place(DEMO_STATE / "demo", DEMO_STATE, demo=True)
    raise Failed("no configuration here: say --config DIR, or begin with `triplegate init DIR` or `triplegate demo`", 2)


def note_running(state: Path, addresses: dict[str, str]) -> Path:
    """Write where the gateway listens, for commands; removed when it ends."""
    path = state / RUNNING
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"pid": os.getpid(), "addresses": addresses}) + "\n")
    fresh.replace(path)
    return path


def control_url(place: Place) -> str | None:
    """The control plane of the gateway that runs on this configuration; None when none does."""
    told = os.environ.get("TRIPLEGATE_ADMIN_URL")
    if told:
        return told.rstrip("/")
    try:
        noted = json.loads((place.state / RUNNING).read_text())
        os.kill(int(noted["pid"]), 0)
        return str(noted["addresses"]["control"])
    except (OSError, ValueError, KeyError):
        return None


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
