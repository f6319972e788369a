"""A subject while it is up: started on the gateway's core, stopped in time between its turns, ended at the end."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.machine import cores, pinned, tree
from benchmarks.subjects import HERE, Place, Started, Subject
from benchmarks.works import PROTOCOL, WORKS, rpc

RUN = HERE / ".run"


class NotUp(Exception):
    """A subject that did not come up, or does not answer as it must."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(port: int, request: bytes, timeout: float = 10) -> tuple[int, bytes]:
    """Send one ready request; status and body. Raises OSError or HTTPException."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


class Process:
    """One child in a session of its own."""

    def __init__(self, command: list[str], core: str, log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as sink:
            self.child = subprocess.Popen(
                pinned(core, command),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=HERE.parent,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """Root of its process tree (taskset replaces itself by the command)."""
        return self.child.pid

    def tail(self) -> str:
        """The last lines it printed."""
        return self.log.read_text(errors="replace")[-600:].strip()

    def signal(self, number: signal.Signals) -> None:
        """To the whole session."""
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            return

    def freeze(self) -> None:
        """Take no CPU until thawed."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self.signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it: gently, then not."""
        self.thaw()
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(10)
        self.signal(signal.SIGKILL)
        self.child.wait(10)


class Mock:
    """The upstream of all subjects, on the load's core."""

    def __init__(self) -> None:
        RUN.mkdir(exist_ok=True)
        self.port = free_port()
        command = [sys.executable, "-m", "benchmarks.mock", "--port", str(self.port)]
        self.process = Process(command, cores()[1], RUN / "mock.log")
        await_ready(lambda: call(self.port, b"GET /health HTTP/1.1\r\nHost: mock\r\n\r\n")[0] == 200, self.process, 15)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.stop()


class Running:
    """A subject that is up and has answered a good call."""

    def __init__(self, subject: Subject, upstream: str, limit: int | None = None, redis: str = "") -> None:
        suffix = "" if limit is None else ".low"
        directory = RUN / (subject.name + suffix)
        _clear(directory)
        place = Place(directory, free_port(), free_port(), upstream, redis=redis)
        self.subject, self.place = subject, place if limit is None else place._replace(limit=limit)
        self.started: Started = subject.start(self.place)
        self.said = ""
        began = time.monotonic()
        self.process = Process(
            self.started.command, cores()[0], directory / "output.log", dict(self.started.environment)
        )
        try:
            await_ready(self.answers, self.process, subject.patience)
        except NotUp as error:
            self.process.stop()
            raise NotUp(f"{error}; last answer: {self.said or 'none'}") from None
        self.cold_s = round(time.monotonic() - began, 2)
        self.idle_mb = round(tree(self.process.pid).rss_mb, 1)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.place.port}"

    def answers(self) -> bool:
        """Whether a call of its first work gets the expected answer."""
        status, body = self.try_call(self.subject.works[0])
        self.said = f"{status} {body[:200]!r}"
        return status == 200 and self.good(self.subject.works[0], body)

    @staticmethod
    def good(name: str, body: bytes) -> bool:
        """The work's own check; for MCP the handshake's answer."""
        work = WORKS[name]
        return b'"serverInfo"' in body if work.kind == "mcp" else work.good(body)

    def try_call(self, name: str, headers: list[str] | None = None) -> tuple[int, bytes]:
        """One call of a work, with the good headers or with others."""
        work = WORKS[name]
        lines = [f"Host: 127.0.0.1:{self.place.port}", "Connection: close"]
        lines += self.started.headers if headers is None else headers
        path = self.subject.paths.get(work.kind, work.path)
        request = work.request(path, lines, self.subject.tool) if work.kind != "mcp" else hello(path, lines)
        return call(self.place.port, request)

    def settle(self, seconds: float, patience: float = 30.0) -> None:
        """Until it has rested for `seconds`: what a start leaves for afterwards is not what calls cost."""
        until = time.monotonic() + patience
        while seconds and time.monotonic() < until:
            before = tree(self.process.pid).cpu
            time.sleep(seconds)
            if tree(self.process.pid).cpu - before <= 0.05 * seconds:
                return

    def stop(self) -> None:
        """End it."""
        self.process.stop()


def hello(path: str, headers: list[str]) -> bytes:
    """MCP's first message, without a session."""
    client = {"name": "bench", "version": "1"}
    return rpc(path, headers, "initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}, 1)


def _clear(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def await_ready(ready: Callable[[], bool], process: Process, patience: float) -> None:
    """Wait until `ready`. Raises NotUp with the reason and the last lines the process printed."""
    until, reason = time.monotonic() + patience, "no answer"
    while time.monotonic() < until:
        if process.child.poll() is not None:
            raise NotUp(f"ended with {process.child.returncode}: {process.tail()}")
        try:
            if ready():
                return
            reason = "not the expected answer"
        except (OSError, http.client.HTTPException) as error:
            reason = repr(error)
        time.sleep(0.05)
    raise NotUp(f"not up in {patience:.0f} s ({reason}): {process.tail()}")
