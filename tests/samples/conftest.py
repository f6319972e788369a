"""What tests of child processes share."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def _running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def running() -> Callable[[int], bool]:
    """Whether a process lives (a zombie does not)."""
    return _running


@pytest.fixture
def gone_within() -> Callable[[int, float], bool]:
    """Whether a process ends within so many seconds."""

    def gone(pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _running(pid):
                return True
            time.sleep(0.01)
        return False

    return gone
