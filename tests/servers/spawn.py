"""Start a real server for the tests on a free loopback port, wait until it answers, and stop it again."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0

_BECOME = """
import ctypes, os, signal, sys
parent, user, group, *command = sys.argv[1:]
if user:
    os.setgroups([])
    os.setgid(int(group))
    os.setuid(int(user))
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, which a change of user takes back
if os.getppid() != int(parent):
    sys.exit("the tests are gone")
os.execv(command[0], command)
"""


def _ports() -> Iterator[int]:
    """This worker's share of the ports below the range that the kernel gives to whoever asks for any.

    In turn, from anywhere: what still calls a server of an earlier test reaches nobody, and never a later test's.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = 22_000 // max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), worker + 1)
    begin = int.from_bytes(os.urandom(4)) % size
    for number in itertools.count(begin):
        yield 10_240 + worker * size + number % size


_PORTS = _ports()


def free_port() -> int:
    """A port nobody listens on, and nobody will for a long while."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("ports never end")


def make_folder(name: str) -> Path:
    """Not pytest's own folder: PostgreSQL runs as another user than root and must get through every parent."""
    folder = Path(tempfile.mkdtemp(prefix=f"triplegate-{name}-"))
    folder.chmod(0o755)
    return folder


class Server:
    """One child that ends with us, even when we are killed."""

    def __init__(self, name: str, *, stop_signal: signal.Signals = signal.SIGTERM, user: str | None = None) -> None:
        self.name = name
        self.port = free_port()
        self.folder = make_folder(name)
        self._stop_signal = stop_signal
        self._user = user
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def launch(self, command: Sequence[str | Path], ready: Callable[[int], bool]) -> None:
        """Start `command` and wait until `ready(port)`; raises RuntimeError with the server's own log."""
        log = self.folder / "log"
        with log.open("ab") as sink:
            self._child = subprocess.Popen(
                become(command, self._user), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=self.folder
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                break
            if ready(self.port):
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"{self.name} did not start on port {self.port}:\n{log.read_text(errors='replace')[-4000:]}")

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: connections are reset, the port refuses."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait(STOP_SECONDS)

    def stop(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(STOP_SECONDS)
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def become(command: Sequence[str | Path], user: str | None) -> list[str]:
    """`command` as `user`, ended with us. A fresh interpreter turns into it: the tests' own process is never forked,
    which the threads of a gRPC client in it may not survive.
    """
    owner = None if user is None else pwd.getpwnam(user)
    who = ["", ""] if owner is None else [str(owner.pw_uid), str(owner.pw_gid)]
    return [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), *who, *map(str, command)]
