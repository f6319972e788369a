"""Debian's wrk where it is there: the REST load that costs least, so that fast subjects are not held back by it."""

import re
import shutil
import subprocess

from benchmarks.machine import pinned, tree
from benchmarks.works import Work

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def command(work: Work, url: str, headers: list[str], seconds: float) -> list[str]:
    """One thread, the work's connections."""
    options = [part for header in headers for part in ("-H", header)]
    time = ["-d", f"{max(1, round(seconds))}s"]
    return ["wrk", "-t1", f"-c{work.connections}", *time, "--latency", *options, url + work.path]


def parse(output: str) -> dict[str, object]:
    """Wrk's report as figures; every answer but 2xx and 3xx and every broken connection is an error."""

    def number(pattern: str) -> int:
        match = re.search(pattern, output)
        return int(match[1]) if match else 0

    errors = number(r"Non-2xx or 3xx responses: (\d+)")
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if sockets:
        errors += sum(int(group) for group in sockets.groups())
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    return {
        "rps": float(rate[1]) if rate else 0.0,
        "answers": number(r"(\d+) requests in"),
        "errors": errors,
        "p50_ms": _latency(output, "50%"),
        "p99_ms": _latency(output, "99%"),
    }


def _latency(output: str, share: str) -> float | None:
    match = re.search(rf"{share}\s+([\d.]+)(us|ms|s|m)\b", output)
    return round(float(match[1]) * UNITS[match[2]], 3) if match else None


def measure(
    work: Work, url: str, headers: list[str], core: str, pid: int, seconds: float, warm: float
) -> dict[str, object]:
    """Warm up, measure, and add the gateway's cost. Raises CalledProcessError."""
    subprocess.run(pinned(core, command(work, url, headers, warm)), capture_output=True, timeout=60, check=True)
    before = tree(pid).cpu
    result = subprocess.run(
        pinned(core, command(work, url, headers, seconds)), capture_output=True, text=True, timeout=120, check=True
    )
    after = tree(pid)
    found = parse(result.stdout)
    answers = int(str(found["answers"]))
    used, took = after.cpu - before, answers / max(1.0, float(str(found["rps"])))
    cost = {"cores": round(used / took, 2) if took else 0.0, "cpu_us": round(used / max(1, answers) * 1e6, 1)}
    return {**found, **cost, "rss_mb": round(after.rss_mb, 1), "processes": after.processes, "client": "wrk"}
