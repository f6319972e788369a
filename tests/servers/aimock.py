"""aimock from npm: a provider of every dialect that nobody here wrote; installed once, by the tests that ask for it."""

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.servers.spawn import Server

VERSION = "1.43.0"


def aimock(fixtures: list[dict[str, Any]], folder: Path, *, install: bool) -> Server:
    """It, running; it stays installed in `folder`. Where it is not and cannot or shall not be, the test is skipped."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not here")
    command = folder / VERSION / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if not command.exists():
        if not install:
            pytest.skip("aimock is not installed: `make long` does it")
        _install(npm, folder / VERSION)
    server = Server("aimock")
    path = server.folder / "fixtures.json"
    path.write_text(json.dumps({"fixtures": fixtures}))
    options = ["-p", str(server.port), "-f", path, "--validate-on-load", "--log-level", "warn"]
    server.launch([node, command, *options], _answers)
    return server


def _install(npm: str, folder: Path) -> None:
    line = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
    try:
        subprocess.run(
            [*line, f"@copilotkit/aimock@{VERSION}"], check=True, capture_output=True, timeout=240, text=True
        )
    except subprocess.SubprocessError as error:
        pytest.skip(f"npm cannot install: {error}")


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
