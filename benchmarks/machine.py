"""What the bench runs on: cores, versions, and the CPU time and memory of a process with all its descendants."""

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PACKAGES = ("triplegate", "litestar", "granian", "uvloop", "httptools", "msgspec", "pydantic", "redis")
COMMANDS = {"nginx": "-v", "haproxy": "-v", "wrk": "-v", "node": "--version"}


class Tree(NamedTuple):
    """A process tree at one moment."""

    cpu: float
    """CPU seconds used so far, user and system."""
    rss_mb: float
    processes: int


def tree(root: int) -> Tree:
    """CPU time and resident memory of `root` and all its descendants, from /proc (ticks of 10 ms)."""
    children: dict[int, list[int]] = {}
    used: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # ended meanwhile
        fields = stat.rpartition(")")[2].split()
        used[int(entry.name)] = (int(fields[11]) + int(fields[12]), int(fields[21]))
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    ticks = pages = count = 0
    queue = [root]
    while queue:
        pid = queue.pop()
        queue += children.get(pid, [])
        if pid in used:
            ticks, pages, count = ticks + used[pid][0], pages + used[pid][1], count + 1
    return Tree(ticks / TICK, pages * PAGE / 2**20, count)


def cores() -> tuple[str, str]:
    """(core of the gateway, core of load and upstream); the same one when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return str(allowed[0]), str(allowed[1] if len(allowed) > 1 else allowed[0])


def pinned(core: str, command: list[str]) -> list[str]:
    """`command` bound to one core, where taskset is there."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", core, *command] if taskset else command


def machine() -> dict[str, object]:
    """Facts a reader needs to judge the figures."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    gateway, load = cores()
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mb": int(memory[1]) // 1024 if memory else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "gateway_core": gateway,
        "load_core": load,
        "pinned": gateway != load and shutil.which("taskset") is not None,
        "load_average": os.getloadavg(),
    }


def versions() -> dict[str, str]:
    """Versions of our parts and of what came from the system."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    for command, flag in COMMANDS.items():
        path = shutil.which(command)
        if path:
            result = subprocess.run([path, flag], capture_output=True, text=True, timeout=10, check=False)
            number = re.search(r"\d+\.\d+(\.\d+)?", result.stdout + result.stderr)
            found[command] = number[0] if number else "unknown"
    return found
