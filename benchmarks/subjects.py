"""Who is measured: how each subject starts, which works it is given, and what it claims to do on them."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
CONFIGS = HERE / "configs"
KEY = "sk-bench-0123456789abcdef"
HIGH = 100_000_000
"""A limit that is counted and never reached."""
LOW = 3
"""A limit that a handful of calls reach."""


class Place(NamedTuple):
    """Where one start of a subject lives."""

    directory: Path
    port: int
    admin_port: int
    upstream: str
    """host:port of the mock."""
    limit: int = HIGH
    redis: str = ""
    """URL of a Redis of the bench's own; empty when there is none."""

    def render(self, source: Path, target: str) -> Path:
        """Write a configuration with its placeholders filled in."""
        values = {
            "PORT": str(self.port),
            "ADMIN_PORT": str(self.admin_port),
            "UPSTREAM": self.upstream,
            "UPSTREAM_PORT": self.upstream.rpartition(":")[2],
            "DIR": str(self.directory),
            "LIMIT": str(self.limit),
            "BURST": str(min(self.limit, 100_000)),
            "KEY": KEY,
            "REDIS": self.redis,
        }
        text = re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], source.read_text())
        path = self.directory / target
        path.write_text(text)
        return path


class Started(NamedTuple):
    """What a subject needs to be started and called."""

    command: list[str]
    headers: list[str]
    """Header lines of a good call."""
    environment: Mapping[str, str] = {}


class Subject(NamedTuple):
    """One thing that is measured."""

    name: str
    works: tuple[str, ...]
    start: Callable[[Place], Started]
    missing: Callable[[], str]
    """Why it cannot be measured here; empty when it can."""
    version: Callable[[], str]
    claims: frozenset[str] = frozenset()
    """What it says it does on every call, proved first: key (401), guard (refused), limit (429), log (a line)."""
    log: str = "access.log"
    """File in its directory that a call leaves a line in."""
    config: Path | None = None
    """Its tuned configuration, printed in the report."""
    tool: str = "echo"
    paths: Mapping[str, str] = {}
    """Path by kind of work, where it is not the usual one."""
    rates: Mapping[str, float] = {}
    """Calls a second by work, where the usual rate is beyond it."""
    patience: float = 30.0
    """Seconds it may take to start."""


def python_module(module: str, *arguments: str) -> list[str]:
    """A command that runs one of our modules."""
    return [sys.executable, "-m", module, *arguments]


def always() -> str:
    """Nothing is missing."""
    return ""
