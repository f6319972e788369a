"""The starter's side: run a sample process, read its ports within a bound, stop it."""

import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec


class StartError(Exception):
    """A sample process did not come up; the message says why."""


class Running:
    """A sample process that listens. Use it with `with`, or stop it."""

    def __init__(self, process: subprocess.Popen[bytes], ports: Mapping[str, int]) -> None:
        self._process = process
        self.ports = ports
        """Name → port on 127.0.0.1: orders, llm, mcp (and stand_in), or model, or grpc."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def url(self, name: str) -> str:
        """Base URL of one sample, without a slash at the end."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def stop(self, grace: float = 2.0) -> None:
        """End it: SIGTERM, and SIGKILL after `grace` seconds. Idempotent."""
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def start_samples(
    ports: Mapping[str, int] | None = None, *, journal: Path | None = None, seconds: float = 10.0
) -> Running:
    """Start orders, llm and mcp in one child process that ends when this process does, even by kill -9.

    `ports` fixes ports by name (`orders`, `llm`, `mcp`; `stand_in`: the scripted provider answers there too);
    what is missing takes a free one. Call it from a thread that lives as long as the samples should, the main one:
    Linux ties the child to the thread. Raises StartError when they do not listen within `seconds`.
    """
    options = [part for name, port in (ports or {}).items() for part in (f"--{name.replace('_', '-')}-port", str(port))]
    if journal is not None:
        options += ["--journal", str(journal)]
    return spawn("triplegate.samples.child", options, seconds)


def start_grpc(port: int = 0, *, seconds: float = 10.0) -> Running:
    """Start the gRPC echo in a process of its own, which alone loads grpcio; `ports["grpc"]`. Raises StartError."""
    return spawn("triplegate.samples.grpc_echo", ["--port", str(port)], seconds)


def spawn(module: str, options: Sequence[str], seconds: float) -> Running:
    """Run a sample module that prints its ports as one JSON line; StartError with its last words when it does not."""
    command = [sys.executable, "-m", module, "--parent", str(os.getpid()), *options]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.PIPE,  # closes when we die: the child's second sign
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,  # Ctrl-C reaches us only: we stop the samples after the last request
        )
        line = _line(process, time.monotonic() + seconds)
        with contextlib.suppress(msgspec.DecodeError):
            return Running(process, msgspec.json.decode(line, type=dict[str, int]))
        Running(process, {}).stop()
        words.seek(0)
        said = words.read()[-2000:].decode(errors="replace").strip().rpartition("\n")[2]
        raise StartError(f"{module} did not come up: {said or f'not a word within {seconds:g} s'}")


def _line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """The first line of the child's output; what there is of it when it ends or the time is over."""
    assert process.stdout is not None
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
            if selector.select(left):
                part = os.read(process.stdout.fileno(), 4096)
                if not part:
                    break
                line += part
    return line
