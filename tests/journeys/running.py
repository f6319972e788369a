"""A gateway as its users have it: the real command in a process of its own, in a directory of its own."""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import httpx
from tests.servers.spawn import free_port

STARTED = 30.0
"""Longest wait for `ready`; machines under test load are slow."""


class House:
    """`triplegate COMMAND` in `directory`; `with` starts and stops it."""

    def __init__(self, directory: Path, command: str = "serve", *arguments: str, **environment: str) -> None:
        self.directory = directory
        self.port, self.admin_port = free_port(), free_port()
        self.url, self.admin_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.admin_port}"
        self.arguments = [sys.executable, "-m", "triplegate", command, *arguments]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRIPLEGATE_")},
            "TRIPLEGATE_PORT": str(self.port),
            "TRIPLEGATE_ADMIN_PORT": str(self.admin_port),
            "TRIPLEGATE_ACCESS_LOG": "off",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []
        self.owner = ""
        self._told: queue.Queue[str | None] = queue.Queue()

    def start(self) -> Self:
        """Until it says `ready`; AssertionError with what it said when it does not."""
        self.lines = []
        self._told = queue.Queue()
        self.process = subprocess.Popen(
            self.arguments,
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self.process, self._told), daemon=True).start()
        self.wait_line("ready")
        return self

    def _read(self, process: "subprocess.Popen[str]", told: "queue.Queue[str | None]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            told.put(line.rstrip("\n"))
        told.put(None)
        process.stdout.close()

    def wait_line(self, wanted: str, within: float = STARTED) -> None:
        """Until a line that is `wanted`."""
        self.wait_for(lambda line: line == wanted, within)

    def wait_for(self, fits, within: float = STARTED) -> str:
        """Until a line for which `fits` is true; that line."""
        end = time.monotonic() + within
        while True:
            try:
                line = self._told.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError("not said in time; it said:\n" + "\n".join(self.lines)) from None
            if line is None:
                raise AssertionError("it ended; it said:\n" + "\n".join(self.lines))
            self.lines.append(line)
            if fits(line):
                return line

    def stop(self, number: int = signal.SIGTERM, within: float = 40.0) -> int:
        """Send a signal and wait; the exit status."""
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            raise
        finally:
            self.process = None
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # workers and samples that outlived it

    def kill(self) -> None:
        """SIGKILL, from outside, as an out-of-memory killer would."""
        self.stop(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # the control plane ---------------------------------------------------------------------------------------
    def admin(self, method: str, path: str, **more) -> httpx.Response:
        """A call of the admin API as its owner; the bootstrap token is spent at the first one."""
        if not self.owner:
            token = (self.directory / ".triplegate" / "bootstrap.token").read_text().strip()
            answer = httpx.post(f"{self.admin_url}/admin/v1/bootstrap", json={"token": token}, timeout=10)
            assert answer.status_code == 201, answer.text
            self.owner = answer.json()["token"]
        headers = {"authorization": f"Bearer {self.owner}"}
        return httpx.request(method, f"{self.admin_url}/admin/v1{path}", headers=headers, timeout=15, **more)

    def key(self, team: str = "web", consumer: str = "ci", org: str = "acme", **more) -> str:
        """A fresh virtual key."""
        answer = self.admin("POST", "/keys", json={"org": org, "team": team, "consumer": consumer, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()["key"]

    def usage(self, *by: str) -> dict[tuple[str, ...], dict]:
        """The usage report of the last day, by these labels; the ledger is drained first."""
        answer = self.admin("GET", "/usage", params={"by": list(by)})
        assert answer.status_code == 200, answer.text
        return {tuple(row["labels"][name] for name in by): row for row in answer.json()["rows"]}

    def metrics(self) -> dict[str, float]:
        """Samples of /metrics by their whole name with labels."""
        text = httpx.get(f"{self.admin_url}/metrics", timeout=10).text
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}


def write(directory: Path, text: str, name: str = "triplegate.yaml") -> Path:
    """A configuration file, at once and whole."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.replace(path)
    return path


def eventually(true, within: float = 10.0, every: float = 0.02):
    """The first truthy value of `true()`; AssertionError when none comes in time."""
    end = time.monotonic() + within
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < end, f"never true within {within} s"
        time.sleep(every)


def records(directory: Path, where: str = "1=1") -> list[dict]:
    """Rows of the ledger of a stopped (or running) gateway on SQLite, read by SQL alone."""
    import sqlite3

    path = directory / ".triplegate" / "triplegate.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM records WHERE {where}")]  # noqa: S608


def journal(path: Path) -> list[dict]:
    """The upstream's own log: one JSON line a request, on disk before it was answered."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def clean(directory: Path) -> None:
    """Remove a directory that a process may still have held open."""
    shutil.rmtree(directory, ignore_errors=True)
