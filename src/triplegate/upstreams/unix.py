"""Unix sockets in directories whose names may be longer than a socket's address can hold."""

import os
import socket
from pathlib import Path


def bind(path: Path) -> socket.socket:
    """A socket that only we may connect to, in the place of one that is left over. Raises OSError."""
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path.parent) as place:
        door.bind(f"{place}/{path.name}")
    path.chmod(0o600)
    return door


def dial(path: Path, timeout: float = 1.0) -> socket.socket:
    """A connection to the socket of that name; it does not block. Raises OSError."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path.parent) as place:
            door.settimeout(timeout)
            door.connect(f"{place}/{path.name}")
    except OSError:
        door.close()
        raise
    door.setblocking(False)
    return door


class _short:  # noqa: N801 - a function in its use
    """A short name for a directory: the path of a Unix socket holds 107 bytes."""

    def __init__(self, directory: Path) -> None:
        self._file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._file}"

    def __exit__(self, *exc: object) -> None:
        os.close(self._file)
